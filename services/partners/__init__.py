"""Partners: uploads, applications, dossiers, rosters, decisions.

Owns the schema `partners`. Accepts the commands and queries of `contracts.partners` and `contracts.decisions` on
`partners.commands` and `partners.queries`, with those of its packages `review`, `invoices` and `mint`; emits
`upload.reserved`, `partner.*`, `root_admins.changed`, `partners.export_*`, and `partner.refused` for every command or
question it turns down. Tells itself what the allowlist file and the identity provider say.
"""
