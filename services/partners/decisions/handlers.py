"""Decisions: only subjects of the allowlist, looked at before anything else (S1.19)."""

from contracts.decisions import ApprovePartner, Decide, ReinstatePartner, RejectPartner, RequestInfo
from contracts.failures import Code
from services.chassis import Call, Outcome, Refusal, Reply
from services.chassis.commands import Handler
from services.partners.book import Book
from services.partners.decisions.decide import decide
from services.partners.decisions.verbs import Case
from services.partners.review.moves import decided as review_ended
from services.partners.review.moves import info_requested


def decide_partner(command: Decide, call: Call, book: Book) -> Outcome:
    if not book.root_admins.allows(call.actor):
        return Refusal(Code.ROOT_ADMIN_REQUIRED)
    partner = book.partners.get(command.partner_id)
    if partner is None:
        return Refusal(Code.NOT_FOUND)
    case = Case.of(partner, command, call.actor, book.rules.approvals_required)
    decided = decide(case, call, book.root_admins)
    if isinstance(decided, Refusal):
        return decided
    book.record_decided(partner, decided)
    if decided.approval:
        moved = info_requested if isinstance(command, RequestInfo) else review_ended
        decided.facts += moved(partner, call, book)
    return Reply(200, partner.view(), decided.facts, partner.etag)


HANDLERS: dict[type, Handler] = dict.fromkeys(
    (ApprovePartner, RejectPartner, RequestInfo, ReinstatePartner), decide_partner
)
