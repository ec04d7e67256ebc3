"""An approved partner with invoices that could be signed: three people, stored documents, everything by commands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx

from contracts.decisions import RejectPartner
from contracts.invoices import ApproveInvoice, GetInvoice
from contracts.message import Actor
from contracts.roles import Role
from contracts.vouchers import SignInvoice
from deploy.local.stack import Stack
from tests.support import invoice_cases
from tests.support.bus import Answer, Bus
from tests.support.outside import SwapOperator
from tests.support.people import person, root_admin
from tests.support.records import RawRecord, command_record
from tests.support.tables import Tables
from tests.support.waiting import eventually
from tests.support.web import NO_TLS

RECIPIENT = invoice_cases.RECIPIENT
NOTES = "Checked against register and bank statement."


def set_old_vouchers_aside(stack: Stack) -> None:
    """What earlier tests left half done is not what a worker meets first."""
    Tables(stack, "partners").rows(
        "UPDATE vouchers SET next_try_at = now() + interval '1 day' WHERE state NOT IN ('MINTED', 'FAILED', 'VOIDED')"
        " RETURNING id"
    )


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

    somebody: invoice_cases.Client
    compliance: Actor
    signer: Actor

    @classmethod
    async def approved(cls, bus: Bus) -> "Client":
        """A partner that was just approved, so it is at version 2."""
        people = (("compliance", Role.COMPLIANCE), ("super", Role.SUPER_ADMIN))
        return cls(
            await invoice_cases.client(bus), *(person(bus.stack, f"{n}-{uuid4().hex[:8]}", role) for n, role in people)
        )

    @property
    def bus(self) -> Bus:
        return self.somebody.bus

    @property
    def partner_id(self) -> UUID:
        return self.somebody.partner_id

    @property
    def contact(self) -> Actor:
        return self.somebody.actor

    async def suspend(self) -> Answer:
        """Right after the approval."""
        command = RejectPartner(partner_id=self.partner_id, expected_version=2, dossier_version=1, notes=NOTES)
        return await told(self.bus, command, root_admin(self.bus.stack))

    async def invoice(self) -> UUID:
        """Created, backed by a receipt, approved by compliance."""
        invoice_id = await self.somebody.paid()
        approve = ApproveInvoice(invoice_id=invoice_id, expected_version=2, notes=NOTES)
        await told(self.bus, approve, self.compliance)
        return invoice_id

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


async def put(upload: dict[str, Any], body: bytes) -> str:
    """Store it as it was reserved; returns the object key."""
    async with httpx.AsyncClient(trust_env=False, verify=NO_TLS, timeout=20) as store:
        stored = await store.put(upload["upload_url"], content=body, headers=upload["headers"])
    assert stored.status_code == 200, stored.text
    return str(upload["object_key"])


async def told(bus: Bus, request: Any, actor: Actor) -> Answer:
    answer = await bus.ask(request, actor)
    assert answer.status < 300, answer
    return answer
