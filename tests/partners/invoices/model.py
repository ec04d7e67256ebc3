"""What must be answered, by the requirements alone: gate, makers and checkers, versions, deadlines, receipts, the cap.

Each question gives the code of the first thing in the way, or "" where nothing is.
"""

from dataclasses import dataclass, field
from uuid import UUID

CAP, LARGEST = 1000, 500
UNSIGNED = ("CREATED", "RECEIPT_UPLOADED", "APPROVED")


@dataclass
class Known:
    """One invoice."""

    amount: int
    state: str = "CREATED"
    version: int = 1
    told: int = 1
    approver: str | None = None
    receipt: str | None = None
    reason: str | None = None

    def move(self, state: str) -> None:
        self.state, self.version, self.told = state, self.version + 1, self.told + 1

    def row(self) -> tuple[object, ...]:
        """As the database must have it, and how many events it told."""
        return self.state, self.version, self.approver, self.receipt, self.reason, self.told


@dataclass
class Model:
    """One partner, who of its people is in the roster, and its invoices."""

    approved: bool = True
    roster: dict[str, bool] = field(default_factory=lambda: {"ada": True, "ben": True})
    used: int = 0
    backed: dict[str, UUID] = field(default_factory=dict)
    invoices: dict[UUID, Known] = field(default_factory=dict)

    def creation(self, who: str, amount: int) -> str:
        return self._closed_to(who, "NOT_PARTNER_CONTACT") or first(
            AMOUNT_INVALID=amount == 0, INVOICE_LIMIT_EXCEEDED=amount > LARGEST
        )

    def attachment(self, invoice: UUID, receipt: str, who: str, *, late: bool) -> str:
        return self._closed_to(who, "NOT_FOUND") or first(
            PROVIDER_TX_ID_REUSED=self.backed.get(receipt, invoice) != invoice,
            INVOICE_STATE_INVALID=late or self.invoices[invoice].state != "CREATED",
        )

    def approval(self, invoice: UUID, *, insider: bool, stale: bool, late: bool) -> str:
        known = self.invoices[invoice]
        return first(
            PARTNER_NOT_APPROVED=not self.approved,
            MAKER_CHECKER_VIOLATION=insider,
            INVOICE_STATE_INVALID=late or known.state != "RECEIPT_UPLOADED",
            PRECONDITION_FAILED=stale,
            BRANCH_CAP_EXCEEDED=self.used + known.amount > CAP,
        )

    def rejection(self, invoice: UUID, *, insider: bool, stale: bool, late: bool) -> str:
        return first(
            MAKER_CHECKER_VIOLATION=insider,
            INVOICE_STATE_INVALID=late or self.invoices[invoice].state not in UNSIGNED,
            PRECONDITION_FAILED=stale,
        )

    def created(self, invoice: UUID, amount: int) -> None:
        self.invoices[invoice] = Known(amount)

    def attached(self, invoice: UUID, receipt: str) -> None:
        self.invoices[invoice].move("RECEIPT_UPLOADED")
        self.invoices[invoice].receipt = receipt
        self.backed[receipt] = invoice

    def has_approved(self, invoice: UUID, who: str) -> None:
        self.invoices[invoice].move("APPROVED")
        self.invoices[invoice].approver = who
        self.used += self.invoices[invoice].amount

    def rejected(self, invoice: UUID) -> None:
        self.invoices[invoice].move("REJECTED")
        self.invoices[invoice].reason = "REJECTED_BY_COMPLIANCE"

    def expired(self, invoice: UUID, *, late: bool) -> None:
        if late and self.invoices[invoice].state in UNSIGNED:
            self.invoices[invoice].move("EXPIRED")
            self.invoices[invoice].reason = "NOT_COMPLETED_IN_TIME"

    def _closed_to(self, who: str, stranger: str) -> str:
        """Contacts only, and only behind an open gate."""
        return first(
            **{stranger: who not in self.roster},
            CONTACT_REMOVED=not self.roster.get(who),
            PARTNER_NOT_APPROVED=not self.approved,
        )


def first(**obstacles: bool) -> str:
    return next((code for code, stands in obstacles.items() if stands), "")
