"""`POST /api/v1/partners` of the monolith."""

from typing import Annotated, TypeVar
from uuid import UUID

import phonenumbers
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import BaseModel
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.partner_events import PartnerSubmitted
from contracts.partners import (
    OBJECT_KEY,
    ContactView,
    DocumentView,
    DossierView,
    PartnerState,
    PartnerView,
    ReviewView,
    SubmitPartner,
)
from contracts.roles import Role
from tests.benchmarks.monolith.auth import Person, person
from tests.benchmarks.monolith.evidence import Documents, Stored
from tests.benchmarks.monolith.keys import sealed_contact
from tests.benchmarks.monolith.models import now
from tests.benchmarks.monolith.once import Fact, answer, event, recorded
from tests.benchmarks.monolith.partner_models import Contact, Document, Dossier, Partner, Upload
from tests.benchmarks.monolith.reviews import opened, raised

router = APIRouter()
Shape = TypeVar("Shape", bound=BaseModel)
FIELDS = {"kyb": "kyb_object_key", "licensing": "licensing_object_key"}


@router.post("/api/v1/partners", status_code=201)
async def submit(request: Request, caller: Annotated[Person, Depends(person)]) -> Response:
    if Role.PARTNER_ADMIN not in caller.roles:
        raise HTTPException(403, "ROLE_REQUIRED")
    body = await request.body()
    command = SubmitPartner.model_validate_json(body)
    partner_id = _partner_id(command)
    contacts = _roster(command, caller)
    documents: Documents = request.app.state.documents
    stored = dict(zip(FIELDS, await documents.find(command.kyb_object_key, command.licensing_object_key), strict=True))
    async with request.app.state.session() as session, session.begin():
        before = await recorded(session, request, caller, body)
        if before:
            return before
        uploads = await _uploads(session, command, caller)
        if await session.get(Partner, partner_id):
            raise HTTPException(409, "PARTNER_STATE_INVALID")
        await _refuse_taken(session, contacts)
        dossier = Dossier(partner_id=partner_id, version=1, filed_by=caller.subject)
        dossier.documents = [_document(kind, uploads[kind], stored[kind]) for kind in FIELDS]
        moment = now()
        partner = Partner(
            id=partner_id,
            state=PartnerState.PENDING_REVIEW.value,
            name=command.name,
            legal_name=command.legal_name,
            created_at=moment,
            updated_at=moment,
            version=1,
        )
        partner.contacts, partner.dossiers = contacts, [dossier]
        review, due = opened(partner, moment)
        page, paged = raised(partner, dossier.version, moment)
        view = _view(partner, dossier, due)
        facts = [Fact("partner", partner_id, 1, _submitted(view)), paged]
        session.add_all([partner, review, page, *(event(request, caller, fact) for fact in facts)])
        return answer(session, request, caller, body, view)


def _partner_id(command: SubmitPartner) -> UUID:
    shapes = [OBJECT_KEY.fullmatch(getattr(command, name)) for name in FIELDS.values()]
    owners = {shape["partner_id"] for shape in shapes if shape}
    if len(owners) != 1 or None in shapes:
        raise HTTPException(422, "DOSSIER_KEY_FORMAT")
    return UUID(owners.pop())


def _roster(command: SubmitPartner, caller: Person) -> list[Contact]:
    roster = [
        Contact(
            position=n,
            name=contact.name,
            email=contact.email,
            phone=_e164(contact.phone),
            role=contact.role,
            issuer=contact.issuer or caller.issuer,
            subject=contact.subject,
            status="ACTIVE",
        )
        for n, contact in enumerate(command.contacts)
    ]
    people = {(contact.issuer, contact.subject) for contact in roster}
    if len(people) < len(roster):
        raise HTTPException(422, "DUPLICATE_SUBJECT")
    if (caller.issuer, caller.subject) not in people:
        raise HTTPException(422, "SUBMITTER_NOT_IN_ROSTER")
    return roster


def _e164(phone: str) -> str:
    try:
        number = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException as error:
        raise HTTPException(422, "PHONE_INVALID") from error
    if not phonenumbers.is_valid_number(number):
        raise HTTPException(422, "PHONE_INVALID")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


async def _uploads(session: AsyncSession, command: SubmitPartner, caller: Person) -> dict[str, Upload]:
    keys = [getattr(command, name) for name in FIELDS.values()]
    rows = await session.scalars(select(Upload).where(Upload.object_key.in_(keys)))
    uploads = {upload.document: upload for upload in rows}
    if uploads.keys() != FIELDS.keys():
        raise HTTPException(422, "DOSSIER_KEY_FORMAT")
    if any((upload.issuer, upload.subject) != (caller.issuer, caller.subject) for upload in uploads.values()):
        raise HTTPException(403, "DOSSIER_KEY_FORBIDDEN")
    return uploads


async def _refuse_taken(session: AsyncSession, contacts: list[Contact]) -> None:
    people = [(contact.issuer, contact.subject) for contact in contacts]
    taken = select(Contact.partner_id).where(tuple_(Contact.issuer, Contact.subject).in_(people))
    if (await session.scalars(taken.where(Contact.status == "ACTIVE"))).first():
        raise HTTPException(409, "SUBJECT_ALREADY_REGISTERED")


def _document(kind: str, upload: Upload, stored: Stored | None) -> Document:
    if stored is None or (stored.size, stored.sha256) != (upload.size, upload.sha256):
        raise HTTPException(422, "DOSSIER_OBJECT_NOT_FOUND")
    return Document(
        kind=kind,
        partner_id=upload.partner_id,
        object_key=upload.object_key,
        size=stored.size,
        sha256=stored.sha256,
        version_id=stored.version_id,
        uploaded_by=upload.subject,
        uploaded_at=stored.stored_at,
    )


def _view(partner: Partner, dossier: Dossier, review: ReviewView) -> PartnerView:
    named = {name: getattr(partner, name) for name in ("id", "name", "legal_name", "created_at", "updated_at")}
    documents = tuple(_shown(DocumentView, document) for document in dossier.documents)
    return PartnerView(
        **named,
        state=PartnerState(partner.state),
        contacts=tuple(_shown(ContactView, contact) for contact in partner.contacts),
        dossier=DossierView(version=1, documents=documents),
        approved_at=None,
        approved_by=None,
        approved_dossier_version=None,
        rereview_due_at=None,
        fields_requested=(),
        approvals_pending=0,
        review=review,
        version=partner.version,
    )


def _shown(kind: type[Shape], row: object) -> Shape:
    return kind(**{name: getattr(row, name) for name in kind.model_fields})


def _submitted(view: PartnerView) -> PartnerSubmitted:
    return PartnerSubmitted(
        name=view.name,
        legal_name=view.legal_name,
        state=view.state,
        dossier_version=view.dossier.version,
        documents=view.dossier.documents,
        contacts=tuple(map(sealed_contact, view.contacts)),
    )
