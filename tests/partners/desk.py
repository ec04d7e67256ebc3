"""A desk in memory: the book of one batch, filled by hand, and the calls of a few people."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from contracts.decisions import ApprovePartner, Decide, RequestInfo
from contracts.message import Actor, ActorType, Context
from contracts.partners import (
    Contact,
    DocumentKind,
    FileDossier,
    PartnerView,
    ReplaceContacts,
    ReserveUpload,
    SubmitPartner,
)
from contracts.roles import Role
from services.chassis import Call, Decision, Deferred, Outcome, Refusal, Reply
from services.partners.book import Book
from services.partners.decisions.rules import Rules
from services.partners.dossiers.evidence import Finding, Found
from services.partners.handlers import HANDLERS
from services.partners.partner import Partner
from services.wire.allowlist import Allowlist
from services.wire.personal import Keyring, MasterKey

ISSUER = "https://id.example"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHA = "ab" * 32
MASTER = MasterKey("m" * 43)
FIELDS = ("/licensing_object_key",)


def person(subject: str, *roles: Role) -> Actor:
    return Actor(type=ActorType.USER, issuer=ISSUER, subject=subject, roles=frozenset(roles))


ADA = person("auth0|ada", Role.PARTNER_ADMIN)
EVE = person("auth0|eve", Role.PARTNER_ADMIN)
ROOT = person("root-1", Role.ROOT_ADMIN)
ROOT_2 = person("root-2", Role.ROOT_ADMIN)
IMPOSTOR = person("root-99", Role.ROOT_ADMIN)
ROOT_ADMINS = "root-1,root-2,auth0|ada"


def answered(decision: Decision) -> Outcome:
    """Commands of these tests are answered at once."""
    assert not isinstance(decision, Deferred), decision
    return decision


class Office:
    """Runs commands through the handlers on one book, as one batch would."""

    def __init__(self, root_admins: str = ROOT_ADMINS, approvals_required: int = 1) -> None:
        self.now = NOON
        self.stored: dict[str, Finding] = {}
        self.book = Book(
            Allowlist(ISSUER, root_admins),
            presigned,
            Keyring(MASTER),
            self.stored,
            Rules(approvals_required=approvals_required),
        )

    def run(self, command: object, actor: Actor) -> Outcome:
        self.now += timedelta(seconds=1)
        call = Call(actor, Context(request_id="r", command_id=uuid4()), uuid4(), self.now)
        return answered(HANDLERS[type(command)](command, call, self.book))

    def allow(self, *subjects: str) -> None:
        """Another allowlist from now on."""
        self.book.root_admins = Allowlist(ISSUER, ",".join(subjects))

    def partner(self, partner_id: UUID) -> Partner:
        return self.book.partners[partner_id]

    def upload(self, actor: Actor, kind: DocumentKind, partner_id: UUID | None = None) -> tuple[str, UUID]:
        """Reserve a key and put the object there."""
        reply = self.run(reservation(kind, partner_id), actor)
        assert isinstance(reply, Reply), reply
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

    def submitted(self, actor: Actor = ADA, *more: str) -> UUID:
        """A partner in review; `more` are contacts beside the applicant."""
        people = tuple(contact(subject) for subject in (actor.subject, *more))
        reply = self.run(self.application(actor, contacts=people), actor)
        assert isinstance(reply, Reply), reply
        assert isinstance(reply.body, PartnerView)
        return reply.body.id

    def file(self, partner_id: UUID, actor: Actor = ADA, kind: str = "licensing") -> Outcome:
        """A new document of one kind, filed."""
        key, _ = self.upload(actor, DocumentKind(kind), partner_id)
        return self.run(FileDossier.model_validate({"partner_id": partner_id, f"{kind}_object_key": key}), actor)

    def replace(self, partner_id: UUID, *people: str | Contact, actor: Actor = ADA, **changes: Any) -> Outcome:
        """These people as the whole roster."""
        contacts = tuple(contact(each) if isinstance(each, str) else each for each in people)
        version = changes.get("expected_version", self.partner(partner_id).version)
        return self.run(ReplaceContacts(partner_id=partner_id, expected_version=version, contacts=contacts), actor)

    def decide(self, partner_id: UUID, kind: type[Decide], actor: Actor = ROOT, **changes: Any) -> Outcome:
        """A decision on what is there now, unless something else is named."""
        partner = self.partner(partner_id)
        read = {"expected_version": partner.version, "dossier_version": partner.dossier_version}
        return self.run(decision(partner_id, kind, **(read | changes)), actor)


def presigned(upload: object) -> tuple[str, dict[str, str]]:
    return f"https://s3/{upload}", {}


def reservation(kind: DocumentKind, partner_id: UUID | None = None) -> ReserveUpload:
    return ReserveUpload(kind=kind, content_type="application/pdf", size=9, sha256=SHA, partner_id=partner_id)


def contact(subject: str, phone: str = "+442079460958", issuer: str | None = None, **changes: str) -> Contact:
    fields = {"name": "Ada Lovelace", "email": "ada@acme.example", "role": "Director", **changes}
    return Contact(**fields, phone=phone, subject=subject, issuer=issuer)


def decision(partner_id: UUID, kind: type[Decide] = ApprovePartner, **changes: object) -> Decide:
    fields: dict[str, object] = {
        "partner_id": partner_id,
        "expected_version": 1,
        "dossier_version": 1,
        "notes": "Registry extract matches the licence.",
    }
    if kind is RequestInfo:
        fields["fields"] = FIELDS
    return kind.model_validate(fields | changes)


def view(outcome: Outcome) -> PartnerView:
    assert isinstance(outcome, Reply), outcome
    assert isinstance(outcome.body, PartnerView)
    return outcome.body


def told(outcome: Outcome) -> list[str]:
    """The events of a reply, in order; those of pages are another story (`review/reviewers.py`)."""
    assert isinstance(outcome, Reply), outcome
    return [fact.data.type for fact in outcome.facts if fact.aggregate_type != "page"]


def code(outcome: Outcome) -> str:
    assert isinstance(outcome, Refusal), outcome
    return outcome.code.value


def pointers(outcome: Outcome) -> list[str]:
    assert isinstance(outcome, Refusal), outcome
    return [error.pointer for error in outcome.extra["errors"]]
