"""Lives of invoices as a state machine: the model says what each command must answer, the real database what it did.

`model.py` is written down from the requirements, not from the code. After every step the invoices, the usage and the
outbox are compared with it.
"""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.decisions import Decide, ReinstatePartner, RejectPartner
from contracts.invoices import ApproveInvoice, AttachReceipt, CreateInvoice, ExpireInvoice, InvoiceView, RejectInvoice
from contracts.message import Actor, Command
from contracts.partners import DocumentKind, ReplaceContacts
from contracts.roles import Role
from services.chassis import Read, Refusal, fetch
from services.partners.dossiers.evidence import Found
from services.partners.invoices.ledger import InvoiceRules
from services.partners.invoices.limits import Ceilings, Limits
from services.partners.partner import Partner
from services.partners.store_partners import load_partners
from tests.partners.desk import NOON, ROOT, SHA, contact, decision, person, reservation
from tests.partners.invoices.bureau import Bureau
from tests.partners.invoices.model import CAP, LARGEST, Model
from tests.partners.invoices.till import CARL, CLARA, NOTES, PLENTY, RECIPIENT, TIMER, Till

LIMITS = Limits({"USD": Ceilings(Decimal(LARGEST), Decimal(CAP), PLENTY)})
STRANGER = person("a stranger", Role.PARTNER_ADMIN)
WEEK = timedelta(hours=168, seconds=1)

_STATE = """
    SELECT i.id, i.state, i.version, i.approved_by, i.receipt_object_key, i.reason_code,
           (SELECT count(*) FROM outbox o WHERE o.aggregate_id = i.id) AS told
    FROM invoices i WHERE i.partner_id = $1
"""
_USED = "SELECT COALESCE(sum(used), 0) AS used FROM cap_usage WHERE scope = $1"

seldom = st.sampled_from([False] * 5 + [True])
makers = st.sampled_from(["ada", "ada", "ben", "stranger"])
judges = st.sampled_from(["carl", "clara", "ben"])


class InvoiceLife(RuleBasedStateMachine):
    """One approved partner; `runner`, `engine` and `answers` are set by the test that runs the machine."""

    runner: asyncio.Runner
    engine: AsyncEngine
    answers: Counter[tuple[str, str]]

    invoices: Bundle[UUID] = Bundle("invoices")
    receipts: Bundle[str] = Bundle("receipts")

    @initialize(target=invoices, amounts=st.lists(st.integers(100, LARGEST), min_size=2, max_size=6))
    def open(self, amounts: list[int]) -> Any:
        """Every second invoice has its receipt already, so that approvals and the cap are not far."""
        self.till, self.model = Till(fresh=True), Model()
        self.bureau = Bureau(self.engine, InvoiceRules(LIMITS), self.till.stored)
        made = [self._made(amount, paid=number % 2 == 0) for number, amount in enumerate(amounts)]
        self.runner.run(self.bureau.keep(self.till.book))
        return multiple(*made)

    @rule(target=invoices, who=makers, amount=st.integers(0, LARGEST + 100))
    def create(self, who: str, amount: int) -> Any:
        created = self._create(who, amount)
        return created or multiple()

    @rule(target=receipts, invoice=invoices)
    def go_on(self, invoice: UUID) -> Any:
        """What is next on the way to approval, done by whoever may."""
        if self.model.invoices[invoice].state == "CREATED":
            receipt = self._upload()
            self._attach(invoice, receipt, "ada", late=False)
            return receipt
        self._approve(invoice, "carl", stale=False, late=False)
        return multiple()

    @rule(target=receipts, invoice=invoices, who=makers, late=seldom)
    def attach(self, *, invoice: UUID, who: str, late: bool) -> Any:
        receipt = self._upload()
        self._attach(invoice, receipt, who, late=late)
        return receipt

    @rule(invoice=invoices, receipt=receipts)
    def attach_again(self, invoice: UUID, receipt: str) -> None:
        self._attach(invoice, receipt, "ada", late=False)

    @rule(invoice=invoices, who=judges, stale=seldom, late=seldom)
    def approve(self, *, invoice: UUID, who: str, stale: bool, late: bool) -> None:
        self._approve(invoice, who, stale=stale, late=late)

    @rule(invoice=invoices, who=judges, stale=seldom, late=seldom)
    def reject(self, *, invoice: UUID, who: str, stale: bool, late: bool) -> None:
        wanted = self.model.rejection(invoice, insider=who == "ben", stale=stale, late=late)
        read = self.model.invoices[invoice].version + stale
        command = RejectInvoice(invoice_id=invoice, expected_version=read, notes=NOTES)
        if self._put(command, self._judge(who), wanted, late=late):
            self.model.rejected(invoice)

    @rule(invoice=invoices, late=seldom)
    def expire(self, *, invoice: UUID, late: bool) -> None:
        self._put(ExpireInvoice(invoice_id=invoice), TIMER, "", late=late)
        self.model.expired(invoice, late=late)

    @rule(what=st.sampled_from(["the partner is suspended or reinstated", "Ben leaves or comes back"]))
    def meanwhile(self, what: str) -> None:
        """One rule for both: the engine would spend most of its steps on rules that need nothing."""
        if what.startswith("Ben"):
            stays = not self.model.roster["ben"]
            self._staff(*[self.till.ada, self.till.ben][: 1 + stays])
            self.model.roster["ben"] = stays
        else:
            self._decide(RejectPartner if self.model.approved else ReinstatePartner)
            self.model.approved = not self.model.approved

    @invariant()
    def the_database_agrees(self) -> None:
        rows, used = self.runner.run(self._stored())
        stored = {row.id: tuple(row)[1:] for row in rows}
        assert stored == {each: known.row() for each, known in self.model.invoices.items()}
        assert used == self.model.used <= CAP

    def _made(self, amount: int, *, paid: bool) -> UUID:
        made = self.till.paid(amount=f"{amount}") if paid else self.till.created(amount=f"{amount}")
        self.model.created(made.id, amount)
        if made.receipt:
            self.model.attached(made.id, made.receipt.object_key)
        self.model.invoices[made.id].told = 0  # it was stored without its events
        return made.id

    def _create(self, who: str, amount: int) -> UUID | None:
        command = CreateInvoice(amount=f"{amount}.00", currency="USD", recipient=RECIPIENT, reference="r")
        view = self._put(command, self._maker(who), self.model.creation(who, amount))
        if view:
            self.model.created(view.id, amount)
        return view.id if view else None

    def _attach(self, invoice: UUID, receipt: str, who: str, *, late: bool) -> None:
        wanted = self.model.attachment(invoice, receipt, who, late=late)
        command = AttachReceipt(invoice_id=invoice, object_key=receipt)
        if self._put(command, self._maker(who), wanted, late=late):
            self.model.attached(invoice, receipt)

    def _approve(self, invoice: UUID, who: str, *, stale: bool, late: bool) -> None:
        wanted = self.model.approval(invoice, insider=who == "ben", stale=stale, late=late)
        read = self.model.invoices[invoice].version + stale
        command = ApproveInvoice(invoice_id=invoice, expected_version=read, notes=NOTES)
        if self._put(command, self._judge(who), wanted, late=late):
            self.model.has_approved(invoice, self._judge(who).subject)

    def _upload(self) -> str:
        reserve = reservation(DocumentKind.RECEIPT, self.till.acme)
        reply: Any = self.runner.run(self.bureau.one(reserve, self.till.ada))
        key = str(reply.body.object_key)
        self.till.stored[key] = Found(9, SHA, "v1", NOON)
        return key

    def _decide(self, verdict: type[Decide]) -> None:
        partner = self._partner()
        read = {"expected_version": partner.version, "dossier_version": partner.dossier_version}
        self._put(decision(partner.id, verdict, **read), ROOT, "")

    def _staff(self, *people: Actor) -> None:
        partner, roster = self._partner(), tuple(contact(actor.subject) for actor in people)
        command = ReplaceContacts(partner_id=partner.id, expected_version=partner.version, contacts=roster)
        self._put(command, self.till.ada, "")

    def _put(self, command: Command, actor: Actor, wanted: str, *, late: bool = False) -> InvoiceView | None:
        """One batch; AssertionError unless it is answered as wanted, with a code or with success."""
        self.answers[command.type, wanted] += 1
        now = datetime.now(UTC) + WEEK if late else None
        outcome = self.runner.run(self.bureau.one(command, actor, now=now))
        assert (outcome.code.value if isinstance(outcome, Refusal) else "") == wanted, (command, outcome)
        body = None if isinstance(outcome, Refusal) else outcome.body
        return body if isinstance(body, InvoiceView) else None

    def _maker(self, who: str) -> Actor:
        return {"ada": self.till.ada, "ben": self.till.ben, "stranger": STRANGER}[who]

    def _judge(self, who: str) -> Actor:
        """Ben has the role too, and must not use it on his own partner's invoices, in the roster or out of it."""
        ben = self.till.ben.model_copy(update={"roles": frozenset({Role.COMPLIANCE})})
        return {"carl": CARL, "clara": CLARA, "ben": ben}[who]

    def _partner(self) -> Partner:
        return self.runner.run(self._load_partner())

    async def _load_partner(self) -> Partner:
        async with self.engine.connect() as connection:
            return (await load_partners(Read(connection), [self.till.acme], lock=False))[self.till.acme]

    async def _stored(self) -> tuple[list[Any], Decimal]:
        async with self.engine.connect() as connection:
            rows = await fetch(connection, _STATE, self.till.acme)
            (usage,) = await fetch(connection, _USED, f"partner:{self.till.acme}")
        return rows, usage.used
