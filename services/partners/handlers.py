"""What each command does: look at the book, let the aggregate decide, answer."""

from typing import Any
from uuid import UUID

import phonenumbers
from uuid_utils.compat import uuid7

from contracts.failures import Code, FieldError
from contracts.message import Actor
from contracts.partners import (
    ApprovePartner,
    Contact,
    ContactView,
    Decide,
    RejectPartner,
    ReserveUpload,
    SubmitPartner,
)
from contracts.partners import Upload as UploadView
from services.chassis import Call, Outcome, Refusal, Reply
from services.chassis.commands import Handler
from services.partners.book import Book
from services.partners.dossier import check_documents
from services.partners.partner import Partner, person_of
from services.partners.upload import Upload


def reserve_upload(command: ReserveUpload, call: Call, book: Book) -> Outcome:
    partner_id = command.partner_id or uuid7()
    if command.partner_id and not _may_upload(partner_id, call.actor, book):
        return Refusal(Code.NOT_FOUND)
    upload, reserved = Upload.reserve(command, call, partner_id, book.uploads)
    book.add_upload(upload)
    url, headers = book.presign(upload)
    view = UploadView(
        upload_url=url,
        headers=headers,
        object_key=upload.object_key,
        partner_id=partner_id,
        expires_at=upload.expires_at,
    )
    return Reply(201, view, [reserved])


def submit_partner(command: SubmitPartner, call: Call, book: Book) -> Outcome:
    roster = _roster(command, call.actor)
    if isinstance(roster, Refusal):
        return roster
    people = [person_of(contact) for contact in roster]
    if (call.actor.issuer, call.actor.subject) not in people:
        return Refusal(Code.SUBMITTER_NOT_IN_ROSTER)
    documents = check_documents(command, call, book)
    if isinstance(documents, Refusal):
        return documents
    partner_id = UUID(command.key())
    if partner_id in book.partners:
        return Refusal(Code.PARTNER_STATE_INVALID, "an application was submitted for this partner already")
    if not book.taken.keys().isdisjoint(people):
        return Refusal(Code.SUBJECT_ALREADY_REGISTERED)
    partner, submitted = Partner.submit(partner_id, command, call, roster, documents)
    book.add_partner(partner)
    return Reply(201, partner.view(), [submitted], partner.etag, f"/api/v1/partners/{partner.id}")


def approve_partner(command: ApprovePartner, call: Call, book: Book) -> Outcome:
    return _decide(command, call, book, Partner.approve)


def reject_partner(command: RejectPartner, call: Call, book: Book) -> Outcome:
    return _decide(command, call, book, Partner.reject)


def _decide(command: Decide, call: Call, book: Book, verdict: Any) -> Outcome:
    if not book.root_admins.allows(call.actor):
        return Refusal(Code.ROOT_ADMIN_REQUIRED)
    partner = book.partners.get(command.partner_id)
    if partner is None:
        return Refusal(Code.NOT_FOUND)
    decided = verdict(partner, command, call)
    if isinstance(decided, Refusal):
        return decided
    approval, facts = decided
    book.add_decision(partner, approval)
    return Reply(200, partner.view(), facts, partner.etag)


def _may_upload(partner_id: UUID, actor: Actor, book: Book) -> bool:
    """The subject that reserved the id, before there is a partner; afterwards its contacts and root admins."""
    partner = book.partners.get(partner_id)
    if partner:
        return partner.is_contact(actor) or book.root_admins.allows(actor)
    return book.reserved_by(partner_id) == (actor.issuer, actor.subject)


def _roster(command: SubmitPartner, actor: Actor) -> list[ContactView] | Refusal:
    roster: list[ContactView] = []
    errors: list[FieldError] = []
    seen: set[tuple[str, str]] = set()
    for n, contact in enumerate(command.contacts):
        phone = _e164(contact.phone)
        if phone is None:
            errors.append(
                FieldError(pointer=f"/contacts/{n}/phone", code="PHONE_INVALID", detail="not a phone number with +")
            )
            continue
        view = _view(contact, actor, phone)
        if person_of(view) in seen:
            pointer = FieldError(pointer=f"/contacts/{n}/subject", code="DUPLICATE_SUBJECT", detail="stands twice")
            return Refusal(Code.DUPLICATE_SUBJECT, extra={"errors": [pointer]})
        seen.add(person_of(view))
        roster.append(view)
    return Refusal(Code.VALIDATION_FAILED, extra={"errors": errors}) if errors else roster


def _view(contact: Contact, actor: Actor, phone: str) -> ContactView:
    return ContactView(
        name=contact.name,
        email=contact.email,
        phone=phone,
        role=contact.role,
        issuer=contact.issuer or actor.issuer,
        subject=contact.subject,
    )


def _e164(phone: str) -> str | None:
    try:
        number = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


HANDLERS: dict[type, Handler] = {
    ReserveUpload: reserve_upload,
    SubmitPartner: submit_partner,
    ApprovePartner: approve_partner,
    RejectPartner: reject_partner,
}
