"""Invoices and receipts of approved partners, up to compliance's approval; signing and submitting build on it.

Owns the tables `invoices` and `cap_usage` of the partners schema. Accepts the commands and queries of
`contracts.invoices`; emits `invoice.created`, `invoice.receipt_uploaded`, `invoice.approved`, `invoice.rejected` and
`invoice.expired`. Amount, recipient and partner of an invoice never change: what is approved is what is minted (K24).
"""
