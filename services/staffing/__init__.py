"""Staffing: tenants, branches, staff, and the credentials of the people who work there.

Owns the schema `staffing`. Accepts the commands and queries of `contracts.staffing` on `staffing.commands`,
`staffing.credentials` (slow hashing, so a lane of its own) and `staffing.queries`; emits `tenant.*`, `branch.*`,
`role.*`, `identity.*`, `session.*`, `account.*`, `membership.*`, `staff.*`, `branch_access.*`, what its timers did
(`activation.unanswered`, `notification.settled`, `credentials.swept`), `staffing.export_*`, and `staff.refused` for
every command or question it turns down. Reads its own `identity.*_requested` to send text messages.
"""
