"""What dossiers and decisions mean for the clock of a review and for its pages (S1.36, S1.37)."""

from contracts.decisions import ApprovePartner, RejectPartner, RequestInfo
from contracts.partners import FileDossier, PartnerView, ReplaceContacts
from contracts.reviews import PageState
from services.chassis import Outcome, Reply
from services.partners.review.moves import dossier_arrived
from tests.partners.desk import ADA, contact
from tests.partners.review.reviewers import ReviewOffice, told


def seen(outcome: Outcome) -> dict[str, object]:
    """The review as the answer shows it."""
    assert isinstance(outcome, Reply), outcome
    assert isinstance(outcome.body, PartnerView)
    assert outcome.body.review
    return outcome.body.review.model_dump()


def test_an_application_starts_the_clock_and_pages_the_root_admins() -> None:
    desk = ReviewOffice()

    reply = desk.run(desk.application(), ADA)

    assert told(reply) == ["partner.submitted", "page.raised"]
    assert isinstance(reply, Reply)
    assert isinstance(reply.body, PartnerView)
    clock = desk.clock(reply.body.id)
    assert (clock.round, clock.running_since) == (1, desk.now)
    assert seen(reply) == {"due_at": clock.due_at, "paused": False, "breached": False}
    assert desk.book.new_pages == [desk.page(reply.body.id)]


def test_every_new_version_is_paged_once_and_the_clock_that_runs_runs_on() -> None:
    desk = ReviewOffice()
    partner_id = desk.submitted()
    due_at = desk.clock(partner_id).due_at
    desk.later(400)

    reply = desk.refile(partner_id)

    assert told(reply, "page") == ["page.raised"]
    assert [page.dossier_version for page in desk.book.new_pages] == [1, 2]
    assert desk.clock(partner_id).due_at == due_at


def test_what_changes_nothing_pages_nobody() -> None:
    desk = ReviewOffice()
    partner_id = desk.submitted()
    partner = desk.book.partners[partner_id]
    known = {document.kind: document.object_key for document in partner.documents}

    again = desk.run(FileDossier(partner_id=partner_id, licensing_object_key=known["licensing"]), ADA)
    same = (contact(ADA.subject),)
    unmoved = desk.run(ReplaceContacts(partner_id=partner_id, expected_version=1, contacts=same), ADA)

    assert told(again) == told(unmoved) == []
    assert len(desk.book.new_pages) == 1


def test_a_question_to_the_partner_stops_the_clock_until_the_answer_comes() -> None:
    desk = ReviewOffice()
    partner_id = desk.submitted()
    desk.later(399)

    asked = desk.judge(partner_id, RequestInfo)

    assert told(asked) == ["partner.info_requested", "page.resolved"]
    assert seen(asked) == {"due_at": None, "paused": True, "breached": False}
    assert desk.clock(partner_id).used_seconds == 400

    desk.later(100_000)
    answered = desk.refile(partner_id)

    clock = desk.clock(partner_id)
    assert told(answered, "page") == ["page.raised"]
    assert clock.round == 1
    assert clock.due_at
    assert clock.running_since
    assert (clock.due_at - clock.running_since).total_seconds() == 600
    assert not seen(answered)["paused"]


def test_a_decision_ends_the_review_and_resolves_its_pages() -> None:
    desk = ReviewOffice()
    partner_id = desk.submitted()
    desk.refile(partner_id)
    desk.acknowledge(desk.page(partner_id).id)

    approved = desk.judge(partner_id)

    assert told(approved) == ["partner.approved", "page.resolved", "page.resolved"]
    assert {page.state for page in desk.book.pages.values()} == {PageState.RESOLVED}
    assert desk.clock(partner_id).closed_at == desk.now
    assert seen(approved) == {"due_at": None, "paused": False, "breached": False}


def test_a_dossier_after_the_decision_opens_the_next_round_with_all_its_time() -> None:
    desk = ReviewOffice()
    partner_id = desk.submitted()
    desk.judge(partner_id)

    reply = desk.refile(partner_id)

    clock = desk.clock(partner_id)
    assert told(reply, "page") == ["page.raised"]
    assert (clock.round, clock.used_seconds, clock.warned_at) == (2, 0, None)


def test_a_batch_that_closes_one_round_and_opens_the_next_writes_both() -> None:
    desk = ReviewOffice()
    partner_id = desk.submitted()
    desk.judge(partner_id, RejectPartner)
    desk.refile(partner_id)

    written = desk.book.changed_reviews

    assert [written[partner_id, n].closed_at is None for n in (1, 2)] == [False, True]


def test_a_refused_decision_leaves_clock_and_pages_alone() -> None:
    desk = ReviewOffice()
    partner_id = desk.submitted()
    before = desk.clock(partner_id)

    desk.judge(partner_id, ApprovePartner, notes="no")

    assert desk.clock(partner_id) is before
    assert desk.page(partner_id).state is PageState.OPEN
    assert not desk.book.changed_pages


def test_one_version_is_one_arrival_however_often_it_is_told() -> None:
    desk = ReviewOffice()
    partner_id = desk.submitted()
    partner, call = desk.book.partners[partner_id], desk.call()
    before = desk.clock(partner_id)

    again = dossier_arrived(partner, call, desk.book)
    desk.judge(partner_id, RequestInfo)
    resolved = dossier_arrived(partner, call, desk.book)

    assert again == resolved == []
    assert desk.clock(partner_id).opened_at == before.opened_at
    assert len(desk.book.new_pages) == 1
