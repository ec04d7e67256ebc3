"""The partner desk on the real database without Kafka or a document store: each batch is one transaction.

What the chassis does around it is done here too: facts of replies go to the outbox, so a version that is missing or
given twice shows.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.decisions import Decide
from contracts.message import Actor, Context
from contracts.message import Outcome as Result
from contracts.partners import Contact, DocumentKind, FileDossier, PartnerView, ReplaceContacts, SubmitPartner
from contracts.roles import Role
from services.chassis import Call, Inbound, Outcome, Reply, Write, outbox
from services.partners.book import Book
from services.partners.decisions.rules import Rules
from services.partners.desk import erase, load_book, save_book
from services.partners.dossiers.evidence import Finding, Found
from services.partners.dossiers.upload import Upload
from services.partners.handlers import HANDLERS
from services.wire.allowlist import Allowlist
from services.wire.personal import Keyring
from tests.partners.desk import (
    ISSUER,
    MASTER,
    ROOT,
    ROOT_ADMINS,
    SHA,
    Office,
    answered,
    contact,
    decision,
    person,
    presigned,
    reservation,
)

Asked = tuple[Any, Actor]


class Counter:
    """Where commands are handed in; `clock` is the moment of the next batch."""

    def __init__(self, engine: AsyncEngine, root_admins: str = ROOT_ADMINS, rules: Rules | None = None) -> None:
        self.engine, self.rules = engine, rules or Rules()
        self.root_admins = Allowlist(ISSUER, root_admins)
        self.clock = datetime.now(UTC)
        self.stored: dict[str, Finding] = {}

    def allow(self, *subjects: str) -> None:
        self.root_admins = Allowlist(ISSUER, ",".join(subjects))

    async def run(self, request: Any, actor: Actor) -> Outcome:
        [outcome] = await self.batch((request, actor))
        return outcome

    async def batch(self, *asked: Asked) -> list[Outcome]:
        """All of it in one transaction, as one poll would be."""
        self.clock += timedelta(milliseconds=1)
        async with self.engine.begin() as connection:
            return await self.within(Write(connection), asked)

    async def within(self, tx: Write, asked: Sequence[Asked]) -> list[Outcome]:
        fresh = [_inbound(request, actor) for request, actor in asked]
        book = Book(self.root_admins, self._presign, Keyring(MASTER), self.stored, self.rules)
        await load_book(tx, fresh, book)
        calls = [Call(each.actor, each.context, each.message_id, self.clock) for each in fresh]
        outcomes = [
            answered(HANDLERS[type(c.request)](c.request, call, book)) for c, call in zip(fresh, calls, strict=True)
        ]
        await save_book(tx, book)
        await erase(tx, book)
        replies = [(call, reply) for call, reply in zip(calls, outcomes, strict=True) if isinstance(reply, Reply)]
        facts = [(call, fact, Result.SUCCEEDED, None) for call, reply in replies for fact in reply.facts]
        await outbox.append(tx, facts)
        return outcomes

    async def upload(self, actor: Actor, kind: DocumentKind, partner_id: UUID | None = None) -> tuple[str, UUID]:
        reply = await self.run(reservation(kind, partner_id), actor)
        assert isinstance(reply, Reply), reply
        body: Any = reply.body
        return body.object_key, body.partner_id

    async def application(self, actor: Actor, *more: str) -> SubmitPartner:
        kyb, partner_id = await self.upload(actor, DocumentKind.KYB)
        licensing, _ = await self.upload(actor, DocumentKind.LICENSING, partner_id)
        return SubmitPartner(
            name="Acme",
            legal_name="Acme Ltd",
            kyb_object_key=kyb,
            licensing_object_key=licensing,
            contacts=tuple(contact(subject) for subject in (actor.subject, *more)),
        )

    async def submitted(self, actor: Actor, *more: str) -> PartnerView:
        reply = await self.run(await self.application(actor, *more), actor)
        assert isinstance(reply, Reply), reply
        assert isinstance(reply.body, PartnerView)
        return reply.body

    async def file(self, partner_id: UUID, actor: Actor, kind: str = "licensing") -> Outcome:
        key, _ = await self.upload(actor, DocumentKind(kind), partner_id)
        return await self.run(FileDossier.model_validate({"partner_id": partner_id, f"{kind}_object_key": key}), actor)

    async def decide(self, read: PartnerView, kind: type[Decide], actor: Actor = ROOT, **changes: Any) -> Outcome:
        """On what was read, unless something else is named."""
        seen = {"expected_version": read.version, "dossier_version": read.dossier.version}
        return await self.run(decision(read.id, kind, **(seen | changes)), actor)

    def _presign(self, upload: Upload) -> tuple[str, dict[str, str]]:
        """Whoever is given an URL has used it: the object is there."""
        self.stored[upload.object_key] = Found(9, SHA, f"v-{upload.id}", self.clock)
        return presigned(upload)


def somebody() -> Actor:
    """A partner admin whom no other test knows."""
    return person(f"s-{uuid4()}", Role.PARTNER_ADMIN)


def office_of(subject: str | None = None) -> tuple[Office, UUID]:
    """A partner in review, not stored yet."""
    office = Office()
    return office, office.submitted(person(subject or f"s-{uuid4()}", Role.PARTNER_ADMIN))


async def stored(engine: AsyncEngine, book: Book) -> None:
    async with engine.begin() as tx:
        await save_book(Write(tx), book)


def roster(read: PartnerView, *people: str | Contact) -> ReplaceContacts:
    contacts = tuple(contact(each) if isinstance(each, str) else each for each in people)
    return ReplaceContacts(partner_id=read.id, expected_version=read.version, contacts=contacts)


def _inbound(request: Any, actor: Actor) -> Inbound:
    nowhere: Any = None
    context = Context(request_id="counter", command_id=uuid4())
    return Inbound(request, uuid4(), actor, context, -1, b"", nowhere)
