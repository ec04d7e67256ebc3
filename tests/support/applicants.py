"""A partner who can be submitted: documents reserved and uploaded, a roster, the body of the application."""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from contracts.message import Actor
from contracts.partners import Contact, DocumentKind, ReserveUpload, SubmitPartner
from deploy.local.stack import Stack
from tests.support.bus import Bus
from tests.support.people import partner_admin
from tests.support.web import NO_TLS

PDF = "application/pdf"


def document(kind: str, of: str) -> bytes:
    """A small document, different for every applicant."""
    return b"%PDF-1.7\n" + f"{kind} of {of}".encode() * 20


def reservation(kind: str, of: str, partner_id: UUID | None = None) -> ReserveUpload:
    body = document(kind, of)
    digest = hashlib.sha256(body).hexdigest()
    return ReserveUpload(
        kind=DocumentKind(kind), content_type=PDF, size=len(body), sha256=digest, partner_id=partner_id
    )


@dataclass(frozen=True, slots=True)
class Application:
    """Ready to be submitted by `actor`."""

    actor: Actor
    command: SubmitPartner

    @property
    def partner_id(self) -> UUID:
        return UUID(self.command.key())

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body of POST /api/v1/partners."""
        return self.command.model_dump(mode="json", exclude_none=True)


class Applicant:
    """Somebody with two documents, who can prepare an application on the bus or over HTTP."""

    def __init__(self, stack: Stack, subject: str = "", *, name: str = "", email: str = "", phone: str = "") -> None:
        self.actor = partner_admin(stack, subject)
        self.name = name or "Maria Keller"
        self.email = email or "maria.keller@nordhafen.example"
        self.phone = phone or "+41446681800"

    async def prepare(self, bus: Bus) -> Application:
        """Reserve and upload both documents through the topics and the real store."""
        reserved = await self.reserve(bus)
        keys = [await self.put(kind, upload) for kind, upload in reserved.items()]
        return Application(self.actor, self.application(*keys))

    async def reserve(self, bus: Bus) -> dict[str, dict[str, Any]]:
        """Both reservations under one partner id, nothing uploaded yet."""
        partner_id, reserved = None, {}
        for kind in ("kyb", "licensing"):
            answer = await bus.ask(reservation(kind, self.actor.subject, partner_id), self.actor)
            assert answer.status == 201, answer
            reserved[kind] = answer.json
            partner_id = UUID(answer.json["partner_id"])
        return reserved

    async def prepare_over_http(self, client: httpx.AsyncClient) -> Application:
        """The same through a gateway; `client` has its address and this applicant's bearer token."""
        partner_id, keys = None, []
        for kind in ("kyb", "licensing"):
            wanted = reservation(kind, self.actor.subject, partner_id).model_dump(mode="json", exclude_none=True)
            idempotency = {"Idempotency-Key": f"{kind}-{self.actor.subject}"}
            answer = await client.post("/api/v1/uploads", json=wanted, headers=idempotency)
            assert answer.status_code == 201, answer.text
            keys.append(await self.put(kind, answer.json()))
            partner_id = UUID(answer.json()["partner_id"])
        return Application(self.actor, self.application(*keys))

    def application(self, kyb_object_key: str, licensing_object_key: str) -> SubmitPartner:
        contact = Contact(
            name=self.name, email=self.email, phone=self.phone, role="Managing director", subject=self.actor.subject
        )
        return SubmitPartner(
            name="Nordhafen OTC",
            legal_name="Nordhafen OTC AG",
            kyb_object_key=kyb_object_key,
            licensing_object_key=licensing_object_key,
            contacts=(contact,),
        )

    async def put(self, kind: str, reserved: dict[str, Any]) -> str:
        """Upload as reserved; returns the object key."""
        body = document(kind, self.actor.subject)
        async with httpx.AsyncClient(trust_env=False, verify=NO_TLS, timeout=20) as store:
            stored = await store.put(reserved["upload_url"], content=body, headers=reserved["headers"])
        assert stored.status_code == 200, stored.text
        return str(reserved["object_key"])
