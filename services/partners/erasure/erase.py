"""Erase somebody who has left a roster: only for allowlisted root admins, and nothing of a partner that is held."""

from contracts.erasure import ERASED, EraseContact, PartnerContactErased
from contracts.failures import Code
from contracts.message import Actor
from services.chassis import Call, Outcome, Refusal, Reply
from services.chassis.commands import Handler
from services.partners.access import is_root_admin
from services.partners.book import Book
from services.partners.erasure.erased import ErasedContact
from services.partners.partner import Partner, named
from services.partners.records import Member


def erase_contact(command: EraseContact, call: Call, book: Book) -> Outcome:
    partner = _permitted(command, call.actor, book)
    if isinstance(partner, Refusal):
        return partner
    stays = [member for member in partner.contacts if member.person == (command.issuer, command.subject)]
    refused = _refused(partner, stays)
    if refused:
        return refused
    known = [member for member in stays if member.erased_at is None]
    if not known:
        return Reply(200, partner.view(), (), partner.etag)
    return _erase(partner, known, command.reason, call, book)


def _permitted(command: EraseContact, actor: Actor, book: Book) -> Partner | Refusal:
    if not is_root_admin(actor, book.root_admins):
        return Refusal(Code.ROOT_ADMIN_REQUIRED)
    partner = book.partners.get(command.partner_id)
    if partner is None:
        return Refusal(Code.NOT_FOUND)
    if command.expected_version != partner.version:
        return Refusal(Code.PRECONDITION_FAILED, f"the partner is at version {partner.version}")
    return partner


def _refused(partner: Partner, stays: list[Member]) -> Refusal | None:
    if not stays:
        return Refusal(Code.NOT_FOUND, "nobody by this name was ever in the roster")
    if partner.held_at:
        return Refusal(Code.LEGAL_HOLD)
    if any(member.active for member in stays):
        return Refusal(Code.PERSON_STILL_ACTIVE, "take them off the roster first")
    return None


def _erase(partner: Partner, known: list[Member], reason: str, call: Call, book: Book) -> Reply:
    at, person_id = partner.moved(call), known[0].person_id
    erased = ErasedContact.of(partner.id, known)
    for member in known:
        gone = {"name": ERASED, "email": ERASED, "phone": ERASED, "erased_at": at}
        partner.contacts[member.position] = member.model_copy(update=gone)
    book.record_erased(partner, erased)
    data = PartnerContactErased(issuer=erased.issuer, subject=erased.subject, person_id=person_id, reason=reason)
    fact = partner.record(data, named(erased.subject))
    return Reply(200, partner.view(), [fact], partner.etag)


HANDLERS: dict[type, Handler] = {EraseContact: erase_contact}
