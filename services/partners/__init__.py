"""Partners: uploads, applications, decisions.

Owns the schema `partners`. Accepts the commands and queries of `contracts.partners` on `partners.commands` and
`partners.queries`; emits `upload.reserved`, `partner.submitted`, `partner.approved`, `partner.rejected`,
`partner.suspended`, and `partner.refused` for every command it turns down.
"""
