"""Uploads and applications: what comes in before there is a partner, and what it becomes."""

from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.failures import Code, FieldError
from contracts.message import Actor
from contracts.partners import DocumentKind, ReserveUpload, SubmitPartner
from contracts.partners import Upload as UploadView
from contracts.roles import Role
from services.chassis import Call, Outcome, Refusal, Reply
from services.chassis.commands import Handler
from services.partners.access import refuse_outsider
from services.partners.book import Book
from services.partners.dossiers.dossier import check_application
from services.partners.dossiers.upload import Upload
from services.partners.partner import Partner, person_of
from services.partners.review.moves import dossier_arrived
from services.partners.roster import read_roster, refuse_taken

MAY_APPLY = frozenset({Role.PARTNER_ADMIN, Role.ROOT_ADMIN})


def reserve_upload(command: ReserveUpload, call: Call, book: Book) -> Outcome:
    refused = _refuse_upload(command, call.actor, book)
    if refused:
        return refused
    partner_id = command.partner_id or uuid7()
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


def _refuse_upload(command: ReserveUpload, actor: Actor, book: Book) -> Refusal | None:
    """For a partner that is there its own people; before that whoever may apply, and then who reserved the id."""
    if command.partner_id in book.partners:
        return refuse_outsider(book.partners[command.partner_id], actor, book.root_admins)
    if command.partner_id and not book.is_owner(command.partner_id, actor):
        return Refusal(Code.NOT_FOUND)
    if not command.partner_id and not actor.holds_any(MAY_APPLY):
        return Refusal(Code.ROLE_REQUIRED, f"without a partner one of: {', '.join(sorted(MAY_APPLY))}")
    if command.kind is DocumentKind.RECEIPT:
        error = FieldError(pointer="/kind", code=Code.VALIDATION_FAILED, detail="a receipt belongs to a partner")
        return Refusal(Code.VALIDATION_FAILED, extra={"errors": [error]})
    return None


def submit_partner(command: SubmitPartner, call: Call, book: Book) -> Outcome:
    people = read_roster(command.contacts, call.actor)
    if isinstance(people, Refusal):
        return people
    if person_of(call.actor) not in {(contact.issuer, contact.subject) for contact in people}:
        return Refusal(Code.SUBMITTER_NOT_IN_ROSTER)
    documents = check_application(command, call.actor, book)
    if isinstance(documents, Refusal):
        return documents
    partner_id = UUID(command.key())
    if partner_id in book.partners:
        return Refusal(Code.PARTNER_STATE_INVALID, "an application was submitted for this partner already")
    refused = refuse_taken(partner_id, people, book.taken)
    if refused:
        return refused
    partner, filing = Partner.submit(partner_id, command, call, people, documents)
    book.add_partner(partner, filing)
    facts = [partner.submitted(book.keys), *dossier_arrived(partner, call, book)]
    return Reply(201, partner.view(), facts, partner.etag, f"/api/v1/partners/{partner.id}")


HANDLERS: dict[type, Handler] = {ReserveUpload: reserve_upload, SubmitPartner: submit_partner}
