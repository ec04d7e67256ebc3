"""Invoices and receipts over HTTP."""

from contracts import invoices as contract
from services.gateway.asking import query
from services.gateway.routing import Routes

INVOICES = "/api/v1/invoices"
INVOICE = f"{INVOICES}/{{invoice_id}}"

routes = Routes()
routes.command("POST", INVOICES, contract.CreateInvoice, contract.InvoiceView, 201)
routes.command("POST", f"{INVOICE}/receipt", contract.AttachReceipt, contract.InvoiceView)
routes.command("POST", f"{INVOICE}/approve", contract.ApproveInvoice, contract.InvoiceView, if_match=True)
routes.command("POST", f"{INVOICE}/reject", contract.RejectInvoice, contract.InvoiceView, if_match=True)
query(routes, INVOICES, contract.ListInvoices, contract.InvoicePage)
query(routes, INVOICE, contract.GetInvoice, contract.InvoiceView)
