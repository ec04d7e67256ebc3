"""What one batch sees and changes of invoices; the part of the book that is theirs."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from services.partners.gate import Policy
from services.partners.invoices.invoice import Invoice
from services.partners.invoices.limits import Limits, Usage, load_limits
from services.partners.invoices.recipient import Recipients
from services.partners.records import Person


@dataclass(frozen=True, slots=True)
class InvoiceRules:
    """How the desk is set up: limits, approved recipients, how long an invoice lives, how strict the gate is."""

    limits: Limits = field(default_factory=lambda: load_limits(None))
    recipients: Recipients = field(default_factory=Recipients)
    lifetime: timedelta = timedelta(hours=168)
    gate: Policy = field(default_factory=Policy)


@dataclass(slots=True)
class Ledger:
    """Handlers read and change this in memory.

    `memberships` names the partners in whose roster a creator of the batch is or was; `backed` says which of the
    batch's receipts back an invoice already; `usage` holds the caps of the batch's approvals, locked.
    """

    rules: InvoiceRules = field(default_factory=InvoiceRules)
    invoices: dict[UUID, Invoice] = field(default_factory=dict)
    memberships: dict[Person, list[UUID]] = field(default_factory=dict)
    backed: dict[str, UUID] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    new: list[Invoice] = field(default_factory=list)
    changed: dict[UUID, Invoice] = field(default_factory=dict)

    def add(self, invoice: Invoice) -> None:
        self.invoices[invoice.id] = invoice
        self.new.append(invoice)

    def change(self, invoice: Invoice) -> None:
        self.changed[invoice.id] = invoice
        if invoice.receipt:
            self.backed[invoice.receipt.object_key] = invoice.id
