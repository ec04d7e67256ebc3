"""The review of a dossier: its clock in business time, the pages to root admins, and the timers of both.

Owns the tables `reviews`, `pages` and `page_deliveries`. Accepts the commands of `contracts.reviews`; emits
`partner.review_warned`, `partner.review_breached` and `page.*`. Clock and page are pure; the sweeper only issues
commands, the courier only sends. `moves.py` is what the rest of the service calls.
"""
