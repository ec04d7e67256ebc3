"""A desk in memory: the book of one batch, filled by hand, and the calls of three people."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from contracts.message import Actor, ActorType, Context
from contracts.decisions import ApprovePartner
from contracts.partners import Contact, DocumentKind, PartnerView, ReserveUpload, SubmitPartner
from contracts.roles import Role
from services.chassis import Call, Outcome, Refusal, Reply
from services.partners.book import Book
from services.partners.evidence import Finding, Found
from services.partners.handlers import HANDLERS
from services.wire.allowlist import Allowlist

ISSUER = "https://id.example"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHA = "ab" * 32


def person(subject: str, *roles: Role) -> Actor:
    return Actor(type=ActorType.USER, issuer=ISSUER, subject=subject, roles=frozenset(roles))


ADA = person("auth0|ada", Role.PARTNER_ADMIN)
EVE = person("auth0|eve", Role.PARTNER_ADMIN)
ROOT = person("root-1", Role.ROOT_ADMIN)


class Office:
    """Runs commands through the handlers on one book, as one batch would."""

    def __init__(self, root_admins: str = "root-1,auth0|ada") -> None:
        self.now = NOON
        self.book = Book(Allowlist(ISSUER, root_admins), lambda upload: (f"https://s3/{upload.object_key}", {}))
        self.stored: dict[str, Finding] = {}
        self.book.evidence = self.stored

    def run(self, command: object, actor: Actor) -> Outcome:
        self.now += timedelta(seconds=1)
        call = Call(actor, Context(request_id="r", command_id=uuid4()), uuid4(), self.now)
        return HANDLERS[type(command)](command, call, self.book)

    def upload(self, actor: Actor, kind: DocumentKind, partner_id: UUID | None = None) -> tuple[str, UUID]:
        """Reserve a key and put the object there."""
        command = ReserveUpload(kind=kind, content_type="application/pdf", size=9, sha256=SHA, partner_id=partner_id)
        reply = self.run(command, actor)
        assert isinstance(reply, Reply)
        key = next(reversed(self.book.uploads))
        self.stored[key] = Found(9, SHA, "v1", self.now)
        return key, self.book.uploads[key].partner_id

    def application(self, actor: Actor = ADA, **changes: object) -> SubmitPartner:
        kyb, partner_id = self.upload(actor, DocumentKind.KYB)
        licensing, _ = self.upload(actor, DocumentKind.LICENSING, partner_id)
        fields = {
            "name": "Acme",
            "legal_name": "Acme Ltd",
            "kyb_object_key": kyb,
            "licensing_object_key": licensing,
            "contacts": (contact(actor.subject),),
        }
        return SubmitPartner.model_validate(fields | changes)

    def submitted(self, actor: Actor = ADA) -> UUID:
        reply = self.run(self.application(actor), actor)
        assert isinstance(reply, Reply), reply
        assert isinstance(reply.body, PartnerView)
        return reply.body.id


def contact(subject: str, phone: str = "+442079460958", issuer: str | None = None) -> Contact:
    return Contact(
        name="Ada Lovelace", email="ada@acme.example", phone=phone, role="Director", subject=subject, issuer=issuer
    )


def decision(partner_id: UUID, kind: type = ApprovePartner, **changes: object) -> ApprovePartner:
    fields: dict[str, object] = {
        "partner_id": partner_id,
        "expected_version": 1,
        "dossier_version": 1,
        "notes": "Registry extract matches the licence.",
    }
    made: ApprovePartner = kind(**(fields | changes))
    return made


def code(outcome: Outcome) -> str:
    assert isinstance(outcome, Refusal), outcome
    return outcome.code.value
