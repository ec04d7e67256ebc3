"""What timers and root admins say of a review.

A timer may be late, early or there twice, so what does not apply is answered 200 and leaves no fact: whatever sweepers
do, each warning, breach and escalation happens once.
"""

from collections.abc import Callable
from datetime import datetime

from contracts.failures import Code
from contracts.message import Command
from contracts.reviews import (
    AcknowledgePage,
    BreachReview,
    EscalatePage,
    OfReview,
    PartnerReviewBreached,
    PartnerReviewWarned,
    ReviewFact,
    WarnReview,
)
from services.chassis import Call, Outcome, Refusal, Reply
from services.chassis.commands import Handler
from services.partners.book import Book
from services.partners.review.clock import ReviewClock
from services.partners.review.moves import keep_review


def warn_review(command: WarnReview, call: Call, book: Book) -> Outcome:
    return _mark(command, call, book, ReviewClock.warned, PartnerReviewWarned)


def breach_review(command: BreachReview, call: Call, book: Book) -> Outcome:
    return _mark(command, call, book, ReviewClock.breached, PartnerReviewBreached)


def _mark(
    command: OfReview,
    call: Call,
    book: Book,
    mark: Callable[[ReviewClock, datetime], ReviewClock],
    fact: type[ReviewFact],
) -> Outcome:
    partner, clock = book.partners.get(command.partner_id), book.reviews.get(command.partner_id)
    if partner is None or clock is None:
        return Refusal(Code.NOT_FOUND)
    marked = mark(clock, call.now)
    if command.round != clock.round or marked is clock or clock.due_at is None:
        return Reply(200)
    keep_review(book, partner, marked)
    partner.moved(call)
    book.change(partner)
    used = clock.used(book.rules.sla, call.now)
    return Reply(200, facts=[partner.record(fact(round=clock.round, due_at=clock.due_at, used_seconds=used))])


def escalate_page(command: EscalatePage, call: Call, book: Book) -> Outcome:
    page = book.pages.get(command.page_id)
    if page is None or page.partner_id != command.partner_id:
        return Refusal(Code.NOT_FOUND)
    escalated = page.escalate(command.level, call, book.rules.paging)
    if escalated is None:
        return Reply(200)
    book.changed_pages[page.id] = page
    return Reply(200, facts=[escalated])


def acknowledge_page(command: AcknowledgePage, call: Call, book: Book) -> Outcome:
    if not book.root_admins.allows(call.actor):
        return Refusal(Code.ROOT_ADMIN_REQUIRED)
    page = book.pages.get(command.page_id)
    if page is None:
        return Refusal(Code.NOT_FOUND)
    acknowledged = page.acknowledge(call)
    if acknowledged:
        book.changed_pages[page.id] = page
    return Reply(200, page.view(), [acknowledged] if acknowledged else [], page.etag)


HANDLERS: dict[type[Command], Handler] = {
    WarnReview: warn_review,
    BreachReview: breach_review,
    EscalatePage: escalate_page,
    AcknowledgePage: acknowledge_page,
}
