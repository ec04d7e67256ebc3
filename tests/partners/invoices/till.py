"""A till in memory: an office with an approved partner, its invoices and the people around them."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from contracts.invoices import (
    ApproveInvoice,
    AttachReceipt,
    CreateInvoice,
    ExpireInvoice,
    InvoiceView,
    JudgeInvoice,
    RejectInvoice,
)
from contracts.message import Actor, ActorType
from contracts.partners import DocumentKind, ReplaceContacts
from contracts.roles import Role
from services.chassis import Outcome, Reply
from services.partners.invoices.invoice import Invoice
from services.partners.invoices.ledger import InvoiceRules, Ledger
from services.partners.invoices.limits import Ceilings, Limits, Usage
from services.partners.invoices.loading import memberships
from services.partners.invoices.recipient import Recipients
from services.partners.partner import person_of
from tests.partners.desk import ADA, EVE, ROOT, Office, contact, decision, person

BEN = person("auth0|ben")
CARL = person("compliance-1", Role.COMPLIANCE)
CLARA = person("compliance-2", Role.COMPLIANCE)
TIMER = Actor(type=ActorType.SYSTEM, subject="partners")
RECIPIENT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
NOTES = "Payment seen on the receipt, recipient checked."
LIMITS = Limits(
    {
        "USD": Ceilings(Decimal(1000), Decimal(2500), Decimal(4000)),
        "JPY": Ceilings(Decimal(100_000), Decimal(200_000), Decimal(300_000)),
    }
)
PLENTY = Decimal(10**12)
UNLIMITED = Limits({"USD": Ceilings(PLENTY, PLENTY, PLENTY)})
"""For the real database: other tests use up the caps of the same day."""


class Till(Office):
    """Ada and Ben are contacts of Acme, which is approved; Eve is one of somebody else's, which is approved too.

    With `fresh` they are people whom no other test knows, and it is now: for books that are stored.
    """

    def __init__(self, recipients: Path | None = None, *, approved: bool = True, fresh: bool = False) -> None:
        super().__init__(root_admins="root-1")
        if fresh:
            self.now = datetime.now(UTC) - timedelta(minutes=10)
        self.ada, self.ben, self.eve = (namesake(actor) if fresh else actor for actor in (ADA, BEN, EVE))
        rules = InvoiceRules(LIMITS, Recipients(recipients))
        self.book.ledger = Ledger(rules, usage=Usage(defaultdict(Decimal)))
        self.acme = self.admitted(self.ada, self.ben) if approved else self.applied(self.ada, self.ben)
        self.other = self.admitted(self.eve)

    def applied(self, *people: Actor) -> UUID:
        roster = tuple(contact(actor.subject) for actor in people)
        application = self.application(people[0], contacts=roster)
        assert isinstance(self.run(application, people[0]), Reply)
        return UUID(application.key())

    def admitted(self, *people: Actor) -> UUID:
        partner_id = self.applied(*people)
        self.decide_on(partner_id)
        return partner_id

    def decide_on(self, partner_id: UUID, **changes: Any) -> None:
        partner = self.book.partners[partner_id]
        reply = self.run(decision(partner_id, **{"expected_version": partner.version, **changes}), ROOT)
        assert isinstance(reply, Reply), reply

    def staff(self, partner_id: UUID, *people: Actor) -> None:
        """These people as the whole roster, by the first of them."""
        version = self.book.partners[partner_id].version
        roster = tuple(contact(actor.subject) for actor in people)
        reply = self.run(ReplaceContacts(partner_id=partner_id, expected_version=version, contacts=roster), people[0])
        assert isinstance(reply, Reply), reply

    def create(self, actor: Actor | None = None, **changes: Any) -> Outcome:
        ledger, actor = self.book.ledger, actor or self.ada
        ledger.memberships = memberships(self.book.partners.values(), {person_of(actor)})
        fields = {"amount": "250.00", "currency": "USD", "recipient": RECIPIENT, "reference": "INV-1"}
        return self.run(CreateInvoice.model_validate(fields | changes), actor)

    def created(self, actor: Actor | None = None, **changes: Any) -> Invoice:
        return self.book.ledger.invoices[seen(self.create(actor, **changes)).id]

    def proof(self, actor: Actor | None = None, partner_id: UUID | None = None) -> str:
        """The key of a receipt that was uploaded."""
        return self.upload(actor or self.ada, DocumentKind.RECEIPT, partner_id or self.acme)[0]

    def attach(self, invoice: Invoice, key: str | None = None, actor: Actor | None = None) -> Outcome:
        wanted = key if key is not None else self.proof()
        return self.run(AttachReceipt(invoice_id=invoice.id, object_key=wanted), actor or self.ada)

    def paid(self, **changes: Any) -> Invoice:
        """An invoice with its receipt."""
        invoice = self.created(**changes)
        seen(self.attach(invoice))
        return invoice

    def judge(self, kind: type[JudgeInvoice], invoice: Invoice, actor: Actor = CARL, **changes: Any) -> Outcome:
        fields = {"invoice_id": invoice.id, "expected_version": invoice.version, "notes": NOTES}
        return self.run(kind.model_validate(fields | changes), actor)

    def approve(self, invoice: Invoice, actor: Actor = CARL, **changes: Any) -> Outcome:
        return self.judge(ApproveInvoice, invoice, actor, **changes)

    def reject(self, invoice: Invoice, actor: Actor = CARL, **changes: Any) -> Outcome:
        return self.judge(RejectInvoice, invoice, actor, **changes)

    def expire(self, invoice: Invoice) -> Outcome:
        return self.run(ExpireInvoice(invoice_id=invoice.id), TIMER)

    def used(self) -> Decimal:
        """What counts against the caps of this till: once a partner, once a region."""
        return sum(self.book.ledger.usage.used.values(), Decimal(0))


def namesake(actor: Actor) -> Actor:
    return actor.model_copy(update={"subject": f"{actor.subject}-{uuid4().hex[:12]}"})


def seen(outcome: Outcome) -> InvoiceView:
    assert isinstance(outcome, Reply), outcome
    assert isinstance(outcome.body, InvoiceView)
    return outcome.body


def told(outcome: Outcome) -> list[str]:
    assert isinstance(outcome, Reply), outcome
    return [fact.data.type for fact in outcome.facts]
