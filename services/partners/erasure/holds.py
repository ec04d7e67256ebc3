"""Legal holds on a partner: placed and released by allowlisted root admins, nobody else."""

from contracts.failures import Code
from contracts.legal_holds import HoldPartner, HoldView, ReleasePartner
from contracts.message import Target
from services.chassis import Call, Fact, Outcome, Refusal, Reply
from services.chassis.commands import Handler
from services.partners.access import is_root_admin
from services.partners.book import Book
from services.partners.partner import Partner


def hold_partner(command: HoldPartner, call: Call, book: Book) -> Outcome:
    partner = _named(command, call, book)
    return partner if isinstance(partner, Refusal) else _answer(partner, partner.hold(command.reason, call), book)


def release_partner(command: ReleasePartner, call: Call, book: Book) -> Outcome:
    partner = _named(command, call, book)
    return partner if isinstance(partner, Refusal) else _answer(partner, partner.release(command.reason, call), book)


def _named(command: HoldPartner | ReleasePartner, call: Call, book: Book) -> Partner | Refusal:
    if not is_root_admin(call.actor, book.root_admins):
        return Refusal(Code.ROOT_ADMIN_REQUIRED)
    return book.partners.get(command.partner_id) or Refusal(Code.NOT_FOUND)


def _answer(partner: Partner, facts: list[Fact], book: Book) -> Reply:
    if facts:
        book.change(partner)
    target = Target(type=partner.kind, id=str(partner.id))
    view = HoldView(subject=target, held=partner.held_at is not None, version=partner.version)
    return Reply(200, view, facts, partner.etag)


HANDLERS: dict[type, Handler] = {HoldPartner: hold_partner, ReleasePartner: release_partner}
