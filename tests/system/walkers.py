"""Partners that live at random: every step is one command through the real topics, legal or not, sent by anybody."""

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple
from uuid import UUID

import httpx

from contracts.decisions import ApprovePartner, Decide, ReinstatePartner, RejectPartner, RequestInfo
from contracts.invoices import ApproveInvoice, AttachReceipt, CreateInvoice, RejectInvoice
from contracts.message import Actor, Command
from contracts.partners import Contact, DocumentKind, FileDossier, GetPartner, ReplaceContacts, ReserveUpload
from contracts.vouchers import SignInvoice
from tests.support import Bus, command_record, root_admin
from tests.support.bus import Answer
from tests.support.minting import NOTES, RECIPIENT, Client, put
from tests.support.outside import SwapOperator

MOODS = ("ok", "ok", "ok", "error", "refuse", "drop_after_acceptance", "timeout_after_acceptance", "fail")


LIKELY: dict[str, type[Decide]] = {"SUSPENDED": ReinstatePartner, "PENDING_REVIEW": ApprovePartner}


class Move(NamedTuple):
    step: Callable[[], Awaitable[None]]
    weight: int


class Seen(NamedTuple):
    """An invoice as its last answer showed it."""

    state: str
    version: int


@dataclass(slots=True)
class Walker:
    """One partner and its invoices; `outcomes` counts the answers by command and status."""

    client: Client
    random: Random
    node: SwapOperator
    outcomes: Counter[tuple[str, int]]
    invoices: dict[UUID, Seen] = field(default_factory=dict)
    state: str = "APPROVED"
    version: int = 2
    dossier_version: int = 1
    uploads: int = 0

    @property
    def bus(self) -> Bus:
        return self.client.bus

    async def walk(self, steps: int) -> None:
        moves: list[Move] = [
            Move(self.decide, 4),
            Move(self.file, 2),
            Move(self.change_roster, 1),
            Move(self.create, 2),
            Move(self.receipt, 1),
            Move(self.judge, 1),
            Move(self.sign, 2),
            Move(self.advance, 14),
            Move(self.look, 2),
            Move(self.change_mood, 1),
        ]
        for _ in range(steps):
            [move] = self.random.choices(moves, [move.weight for move in moves])
            await move.step()

    async def decide(self) -> None:
        likely = LIKELY.get(self.state, ApprovePartner)
        verbs: list[type[Decide]] = [likely, likely, likely, ApprovePartner, RejectPartner, RequestInfo]
        verb = self.random.choice(verbs)
        dossier = max(1, self.dossier_version - self.random.choice([0, 0, 0, 1]))
        body = {
            "partner_id": self.client.partner_id,
            "expected_version": self.version,
            "dossier_version": dossier,
            "notes": NOTES,
        }
        asked = {"fields": ("/kyb_object_key",)} if verb is RequestInfo else {}
        command = verb.model_validate(body | asked)
        self.note(await self.ask(command, root_admin(self.bus.stack)))

    async def file(self) -> None:
        kind = self.random.choice([DocumentKind.KYB, DocumentKind.LICENSING])
        key = await self.upload(kind)
        if key:
            command = FileDossier.model_validate({"partner_id": self.client.partner_id, f"{kind}_object_key": key})
            self.note(await self.ask(command, self.client.contact))

    async def change_roster(self) -> None:
        names = [self.client.contact.subject, *self.random.sample(["ann", "bob", "cyd"], self.random.randrange(3))]
        people = tuple(self.contact(name) for name in names)
        command = ReplaceContacts(partner_id=self.client.partner_id, expected_version=self.version, contacts=people)
        self.note(await self.ask(command, self.client.contact))

    async def create(self) -> None:
        command = CreateInvoice(amount="10.00", currency="USD", recipient=RECIPIENT, reference="at random")
        answer = await self.ask(command, self.client.contact)
        if answer.status == 201:
            self.invoices[UUID(answer.json["id"])] = Seen("CREATED", 1)

    async def advance(self) -> None:
        """What would come next for the newest invoice, if all went well."""
        newest = max(self.invoices, default=None)
        state = self.invoices[newest].state if newest else "NONE"
        if state == "CREATED":
            await self.receipt(newest)
        elif state == "RECEIPT_UPLOADED":
            await self.judge(newest)
        elif state == "APPROVED":
            await self.sign(newest)
        else:
            await self.create()

    async def receipt(self, invoice: UUID | None = None) -> None:
        invoice = invoice or self.some_invoice()
        key = await self.upload(DocumentKind.RECEIPT) if invoice else None
        if invoice and key:
            answer = await self.ask(AttachReceipt(invoice_id=invoice, object_key=key), self.client.contact)
            self.moved(invoice, answer)

    async def judge(self, invoice: UUID | None = None) -> None:
        if invoice := invoice or self.some_invoice():
            verb = self.random.choice([ApproveInvoice, ApproveInvoice, ApproveInvoice, RejectInvoice])
            command = verb(invoice_id=invoice, expected_version=self.invoices[invoice].version, notes=NOTES)
            self.moved(invoice, await self.ask(command, self.client.compliance))

    async def sign(self, invoice: UUID | None = None) -> None:
        """Sent without waiting for its answer, so that the next step may come between gate, signature and node."""
        if invoice := invoice or self.some_invoice():
            self.invoices[invoice] = self.invoices[invoice]._replace(state="SIGNING")
            await self.bus.send(command_record(self.bus.stack, SignInvoice(invoice_id=invoice), self.client.signer))

    async def look(self) -> None:
        self.note(await self.ask(GetPartner(partner_id=self.client.partner_id), self.client.contact))

    async def change_mood(self) -> None:
        mood = self.random.choice(MOODS)
        await self.node.behave(mood, times=1, delay_seconds=3, mint_delay_seconds=0.1)

    async def upload(self, kind: DocumentKind) -> str | None:
        self.uploads += 1
        body = f"%PDF-1.7 {kind} {self.uploads} of {self.client.partner_id}".encode()
        wanted = ReserveUpload(
            kind=kind,
            content_type="application/pdf",
            size=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            partner_id=self.client.partner_id,
        )
        answer = await self.ask(wanted, self.client.contact)
        try:
            return await put(answer.json, body) if answer.status == 201 else None
        except httpx.TransportError:
            self.outcomes["the store hung up", 0] += 1
            return None

    async def ask(self, command: Command | GetPartner, actor: Actor) -> Answer:
        answer = await self.bus.ask(command, actor)
        self.outcomes[command.type, answer.status] += 1
        return answer

    def contact(self, name: str) -> Contact:
        subject = name if name == self.client.contact.subject else f"{name}-{self.client.partner_id}"
        return Contact(name="At random", email="a@b.example", phone="+41446681800", role="Clerk", subject=subject)

    def some_invoice(self) -> UUID | None:
        return self.random.choice(list(self.invoices)) if self.invoices else None

    def note(self, answer: Answer) -> None:
        if answer.status == 200:
            self.version, self.dossier_version = answer.json["version"], answer.json["dossier"]["version"]
            self.state = answer.json["state"]

    def moved(self, invoice: UUID, answer: Answer) -> None:
        if answer.status == 200:
            self.invoices[invoice] = Seen(answer.json["state"], answer.json["version"])
