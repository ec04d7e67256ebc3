"""How Gatehouse is put on its engines.

`kafka.py` and `postgres.py` apply topics, principals, ACLs, schemas and roles: the same code locally and in production.
`local/` is the whole stack on one machine, from packages, without Docker, Java or root.
`cli/` is the `gatehouse` command. Nothing here knows a business rule; nothing in `services/` imports it.
"""
