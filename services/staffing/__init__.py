"""Staffing: tenants, branches, staff, and the credentials of the people who work there.

Owns the schema `staffing`. Accepts the commands and queries of `contracts.staffing` on `staffing.commands`,
`staffing.credentials` (slow hashing, so a lane of its own) and `staffing.queries`; emits `tenant.*`, `branch.*`,
`identity.*`, `session.*`, `account.*`, `membership.granted`, `staff.provisioned`, `branch_access.granted`, and
`staff.refused` for every command it turns down. Reads its own `identity.*_requested` to send text messages.
"""
