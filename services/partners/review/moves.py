"""What the lives of partners mean for their review: called by the handlers of dossiers and decisions.

Each changes the book and returns the facts to publish with the reply. Calling one again changes nothing.
"""

from services.chassis import Call, Fact
from services.partners.book import Book
from services.partners.partner import Partner
from services.partners.review.clock import ReviewClock, open_
from services.partners.review.page import Page


def dossier_arrived(partner: Partner, call: Call, book: Book) -> list[Fact]:
    """A dossier is there to be reviewed: its clock starts or goes on, and root admins are paged once a version.

    A clock that runs already runs on: nobody wins time by filing again.
    """
    clock = book.reviews.get(partner.id)
    if clock is None or clock.closed_at:
        keep_review(book, partner, open_(book.rules.sla, clock.round + 1 if clock else 1, call.now))
    else:
        keep_review(book, partner, clock.resumed(book.rules.sla, call.now))
    if any(page.dossier_version == partner.dossier_version for page in book.pages_of(partner.id)):
        return []
    page, raised = Page.raise_(partner.id, partner.dossier_version, call, book.rules.paging)
    book.add_page(page)
    return [raised]


def info_requested(partner: Partner, call: Call, book: Book) -> list[Fact]:
    """The partner is asked for more: the clock stands still, and nobody is paged for what was just looked at."""
    clock = book.reviews.get(partner.id)
    if clock:
        keep_review(book, partner, clock.paused(book.rules.sla, call.now))
    return _resolved(partner, call, book)


def decided(partner: Partner, call: Call, book: Book) -> list[Fact]:
    """The review has ended."""
    clock = book.reviews.get(partner.id)
    if clock:
        keep_review(book, partner, clock.closed(book.rules.sla, call.now))
    return _resolved(partner, call, book)


def keep_review(book: Book, partner: Partner, clock: ReviewClock) -> None:
    """What has changed is written, and seen by whoever reads the partner."""
    if clock != book.reviews.get(partner.id):
        book.reviews[partner.id] = book.changed_reviews[partner.id, clock.round] = clock
        partner.review = clock.view()


def _resolved(partner: Partner, call: Call, book: Book) -> list[Fact]:
    facts = []
    for page in book.pages_of(partner.id):
        fact = page.resolve(call)
        if fact:
            book.changed_pages[page.id] = page
            facts.append(fact)
    return facts
