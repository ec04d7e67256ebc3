"""An approved partner with invoices that could be signed: three people, stored documents, everything by commands."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx

from contracts.decisions import ApprovePartner, RejectPartner
from contracts.invoices import ApproveInvoice, AttachReceipt, CreateInvoice, GetInvoice
from contracts.message import Actor
from contracts.partners import DocumentKind, ReserveUpload
from contracts.roles import Role
from contracts.vouchers import SignInvoice
from deploy.local.stack import Stack
from tests.support.applicants import Applicant
from tests.support.bus import Answer, Bus
from tests.support.outside import SwapOperator
from tests.support.people import person, root_admin
from tests.support.records import RawRecord, command_record
from tests.support.waiting import eventually

NOTES = "Checked against register and bank statement."
RECIPIENT = "0x52908400098527886e0f7030069857d2e4169ee7"
RECEIPT = b"%PDF-1.7 a receipt"


@asynccontextmanager
async def swap_operator(stack: Stack) -> AsyncIterator[SwapOperator]:
    """The fake node's knobs, turned back at the end."""
    operator = SwapOperator(stack.state.url("swap"), stack.state.secrets["swap_token"])
    try:
        await operator.behave("ok", mint_delay_seconds=0.2)
        yield operator
    finally:
        await operator.behave("ok")
        await operator.close()


@dataclass(slots=True)
class Client:
    """A partner of the desk: its contact, and the people who look after it."""

    bus: Bus
    partner_id: UUID
    contact: Actor
    compliance: Actor
    signer: Actor

    @classmethod
    async def approved(cls, bus: Bus) -> "Client":
        """A partner that was just approved."""
        application = await Applicant(bus.stack).prepare(bus)
        await told(bus, application.command, application.actor)
        client = cls(
            bus,
            application.partner_id,
            application.actor,
            person(bus.stack, f"compliance-{uuid4().hex[:8]}", Role.COMPLIANCE),
            person(bus.stack, f"super-{uuid4().hex[:8]}", Role.SUPER_ADMIN),
        )
        await client.decide(ApprovePartner, 1)
        return client

    async def decide(self, verb: type[ApprovePartner | RejectPartner], version: int) -> Answer:
        command = verb(partner_id=self.partner_id, expected_version=version, dossier_version=1, notes=NOTES)
        return await told(self.bus, command, root_admin(self.bus.stack))

    async def suspend(self) -> Answer:
        """Right after the approval, so the partner is at version 2."""
        return await self.decide(RejectPartner, 2)

    async def invoice(self, amount: str = "1250.00") -> UUID:
        """Created, backed by a receipt, approved by compliance."""
        command = CreateInvoice(amount=amount, currency="USD", recipient=RECIPIENT, reference=f"deal {uuid4().hex[:8]}")
        invoice_id = UUID((await told(self.bus, command, self.contact)).json["id"])
        receipt = AttachReceipt(invoice_id=invoice_id, object_key=await self._receipt())
        await told(self.bus, receipt, self.contact)
        approve = ApproveInvoice(invoice_id=invoice_id, expected_version=2, notes=NOTES)
        await told(self.bus, approve, self.compliance)
        return invoice_id

    async def _receipt(self) -> str:
        wanted = ReserveUpload(
            kind=DocumentKind.RECEIPT,
            content_type="application/pdf",
            size=len(RECEIPT),
            sha256=hashlib.sha256(RECEIPT).hexdigest(),
            partner_id=self.partner_id,
        )
        upload = (await told(self.bus, wanted, self.contact)).json
        async with httpx.AsyncClient(trust_env=False, timeout=20) as store:
            stored = await store.put(upload["upload_url"], content=RECEIPT, headers=upload["headers"])
        assert stored.status_code == 200, stored.text
        return str(upload["object_key"])

    async def ask_to_sign(self, invoice_id: UUID) -> RawRecord:
        """Send sign-and-submit; its answer comes when it is settled."""
        record = command_record(self.bus.stack, SignInvoice(invoice_id=invoice_id), self.signer)
        await self.bus.send(record)
        return record

    async def sign(self, invoice_id: UUID) -> Answer:
        return await self.bus.answer_to(await self.ask_to_sign(invoice_id))

    async def seen(self, invoice_id: UUID) -> Any:
        return (await told(self.bus, GetInvoice(invoice_id=invoice_id), self.contact)).json

    async def becomes(self, invoice_id: UUID, state: str, seconds: float = 60.0) -> Any:
        """The invoice once it is in this state."""

        async def there() -> Any:
            invoice = await self.seen(invoice_id)
            return invoice if invoice["state"] == state else None

        return await eventually(there, f"invoice {invoice_id} is {state}", seconds)


async def told(bus: Bus, request: Any, actor: Actor) -> Answer:
    answer = await bus.ask(request, actor)
    assert answer.status < 300, answer
    return answer
