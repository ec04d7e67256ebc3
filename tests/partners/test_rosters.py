"""The roster: who comes, who goes, who is told (S1.8-S1.12, S1.42, S1.43)."""

from itertools import pairwise

import pytest

from contracts.decisions import ApprovePartner, RejectPartner, RequestInfo
from contracts.message import Actor
from contracts.partner_events import PartnerContactRemoved
from contracts.partners import PartnerState, RecordDeactivation
from services.chassis import Reply
from tests.partners.desk import ADA, EVE, IMPOSTOR, ISSUER, ROOT, Office, code, contact, person, pointers, told, view

BEA = person("bea")


def test_somebody_joins_and_the_dossier_gets_a_new_version() -> None:
    office = Office()
    partner_id = office.submitted()

    reply = office.replace(partner_id, ADA.subject, "bea")

    assert told(reply) == ["partner.contact.added", "partner.dossier_filed"]
    assert [(c.subject, c.status) for c in view(reply).contacts] == [(ADA.subject, "ACTIVE"), ("bea", "ACTIVE")]
    assert view(reply).dossier.version == 2
    assert [member.subject for member in office.book.filings[-1].roster] == [ADA.subject, "bea"]
    assert {d.object_key for d in office.book.filings[0].documents} == {
        d.object_key for d in office.book.filings[1].documents
    }


def test_somebody_leaves_and_is_known_no_more_on_the_next_request() -> None:  # S1.42
    office = Office()
    partner_id = office.submitted(ADA, "bea")

    reply = office.replace(partner_id, "bea")

    gone = view(reply).contacts[1]
    assert told(reply) == ["partner.contact.removed"]
    assert (gone.subject, gone.status, view(reply).dossier.version) == (ADA.subject, "REMOVED", 1)
    assert code(office.replace(partner_id, "bea", actor=ADA)) == "CONTACT_REMOVED"
    assert view(office.file(partner_id, BEA)).dossier.version == 2


def test_what_is_known_of_somebody_changes_without_a_new_version() -> None:
    office = Office()
    partner_id = office.submitted()
    before = office.partner(partner_id).updated_at

    reply = office.replace(partner_id, contact(ADA.subject, role="Chair", phone="+41 44 668 18 00"))

    changed = view(reply).contacts[0]
    assert told(reply) == ["partner.contact.updated"]
    assert (changed.role, changed.phone) == ("Chair", "+41446681800")
    assert (view(reply).dossier.version, view(reply).version) == (1, 2)
    assert view(reply).updated_at > before


def test_the_same_roster_again_changes_nothing() -> None:
    office = Office()
    partner_id = office.submitted(ADA, "bea")
    before = view(office.replace(partner_id, ADA.subject, "bea"))

    reply = office.replace(partner_id, "bea", contact(ADA.subject, "+44 20 7946 0958"))

    assert (told(reply), view(reply)) == ([], before)
    assert not office.book.changed_partners


def test_events_tell_who_left_and_when_but_nothing_personal() -> None:
    office = Office()
    partner_id = office.submitted(ADA, "bea")

    reply = office.replace(partner_id, ADA.subject)

    assert isinstance(reply, Reply)
    removed = reply.facts[0].data
    assert isinstance(removed, PartnerContactRemoved)
    assert (removed.issuer, removed.subject, removed.removed_at) == (ISSUER, "bea", office.now)
    assert "acme.example" not in removed.model_dump_json()


def test_who_comes_back_has_a_second_stay() -> None:
    office = Office()
    partner_id = office.submitted(ADA, "bea")
    office.replace(partner_id, ADA.subject)

    back = view(office.replace(partner_id, ADA.subject, "bea"))

    stays = [(m.position, m.status) for m in office.partner(partner_id).contacts if m.subject == "bea"]
    assert stays == [(1, "REMOVED"), (2, "ACTIVE")]
    assert [(c.subject, c.status) for c in back.contacts] == [(ADA.subject, "ACTIVE"), ("bea", "ACTIVE")]


def test_a_roster_is_never_empty() -> None:  # S1.42
    office = Office()
    partner_id = office.submitted()

    assert code(office.replace(partner_id)) == "LAST_CONTACT"
    assert code(office.replace(partner_id, actor=ROOT)) == "LAST_CONTACT"


def test_nobody_hands_the_partner_over_to_strangers() -> None:
    """S1.42: somebody who acts for it now stays; otherwise one contact could put everybody else in its place."""
    office = Office()
    partner_id = office.submitted(ADA, "bea")

    assert code(office.replace(partner_id, "new-1", "new-2")) == "LAST_CONTACT"
    assert view(office.replace(partner_id, "bea", "new-1", actor=ADA)).state is PartnerState.PENDING_REVIEW
    assert code(office.replace(partner_id, ADA.subject, actor=BEA)) == "LAST_CONTACT"


def test_a_root_admin_may_hand_it_over() -> None:
    office = Office()
    partner_id = office.submitted()

    reply = office.replace(partner_id, "new-1", actor=ROOT)

    assert told(reply) == ["partner.contact.removed", "partner.contact.added", "partner.dossier_filed"]


@pytest.mark.parametrize(
    ("actor", "wanted"), [(EVE, "NOT_FOUND"), (IMPOSTOR, "ROOT_ADMIN_REQUIRED")], ids=["stranger", "root role alone"]
)
def test_only_its_people_and_root_admins_change_a_roster(actor: Actor, wanted: str) -> None:  # S1.15
    office = Office()
    partner_id = office.submitted()

    assert code(office.replace(partner_id, ADA.subject, actor=actor)) == wanted


def test_a_roster_read_at_another_version_is_not_replaced() -> None:
    office = Office()
    partner_id = office.submitted()

    assert code(office.replace(partner_id, ADA.subject, "bea", expected_version=0)) == "PRECONDITION_FAILED"


def test_phones_and_subjects_are_checked_as_in_an_application() -> None:  # S1.8, S1.11
    office = Office()
    partner_id = office.submitted()

    bad_phone = office.replace(partner_id, ADA.subject, contact("bea", "12"))
    twice = office.replace(partner_id, ADA.subject, "bea", "bea")

    assert (code(bad_phone), pointers(bad_phone)) == ("VALIDATION_FAILED", ["/contacts/1/phone"])
    assert (code(twice), pointers(twice)) == ("DUPLICATE_SUBJECT", ["/contacts/2/subject"])


def test_somebody_of_another_partner_is_refused_without_naming_it() -> None:  # S1.12
    office = Office()
    theirs = office.submitted(EVE)
    mine = office.submitted(ADA)

    refused = office.replace(mine, ADA.subject, EVE.subject)

    assert code(refused) == "SUBJECT_ALREADY_REGISTERED"
    assert str(theirs) not in repr(refused)


def test_who_left_one_partner_may_join_another_within_one_batch() -> None:
    office = Office()
    theirs = office.submitted(EVE, "bea")
    mine = office.submitted(ADA)

    view(office.replace(theirs, EVE.subject, actor=EVE))
    view(office.replace(mine, ADA.subject, "bea"))

    assert office.book.taken[ISSUER, "bea"] == mine
    assert code(office.replace(theirs, EVE.subject, "bea", actor=EVE)) == "SUBJECT_ALREADY_REGISTERED"


def test_a_case_that_waits_for_the_partner_goes_back_to_review_with_any_change_of_the_roster() -> None:  # K3
    office = Office()
    partner_id = office.submitted(ADA, "bea")
    view(office.decide(partner_id, RequestInfo, fields=("/contacts",)))

    reply = office.replace(partner_id, "bea")

    assert told(reply) == ["partner.contact.removed", "partner.dossier_filed"]
    assert (view(reply).state, view(reply).fields_requested) == (PartnerState.PENDING_REVIEW, ())
    assert view(reply).dossier.version == 2


def test_who_leaves_opens_no_review_of_an_approved_partner_and_who_joins_does() -> None:  # K8
    office = Office()
    partner_id = office.submitted(ADA, "bea")
    view(office.decide(partner_id, ApprovePartner))

    left = view(office.replace(partner_id, "bea"))
    joined = view(office.replace(partner_id, "bea", "cem", actor=BEA))

    assert left.rereview_due_at is None
    assert joined.rereview_due_at == office.now + office.book.rules.rereview
    assert joined.state is PartnerState.APPROVED


def test_after_a_final_rejection_people_leave_but_nobody_joins() -> None:
    office = Office()
    partner_id = office.submitted(ADA, "bea")
    view(office.decide(partner_id, RejectPartner, reason_code="SANCTIONS_HIT"))

    assert code(office.replace(partner_id, ADA.subject, "bea", "cem")) == "PARTNER_REJECTED_FINAL"
    assert told(office.replace(partner_id, ADA.subject)) == ["partner.contact.removed"]


def test_of_many_who_left_the_last_fifty_are_shown() -> None:
    office = Office()
    partner_id = office.submitted()
    for n in range(60):
        view(office.replace(partner_id, ADA.subject, f"guest-{n}"))
    shown = view(office.replace(partner_id, ADA.subject)).contacts

    assert [c.subject for c in shown] == [ADA.subject, *(f"guest-{n}" for n in range(10, 60))]


def test_who_leaves_is_to_be_deactivated_and_no_longer_once_they_are_back() -> None:  # S1.43
    office = Office()
    partner_id = office.submitted(ADA, "bea")

    office.replace(partner_id, ADA.subject)
    [waiting] = office.book.new_deactivations
    before = waiting.status
    office.replace(partner_id, ADA.subject, "bea")

    assert (waiting.person, before, waiting.status) == ((ISSUER, "bea"), "pending", "cancelled")
    assert waiting.settled_at == office.now


def test_who_left_and_applies_elsewhere_is_not_deactivated() -> None:  # S1.43
    office = Office()
    theirs = office.submitted(EVE, ADA.subject)
    office.replace(theirs, EVE.subject, actor=EVE)

    office.submitted(ADA)

    assert [waiting.status for waiting in office.book.new_deactivations] == ["cancelled"]


def test_two_departures_in_one_moment_are_two_departures() -> None:
    office = Office()
    partner_id = office.submitted(ADA, "bea")
    moment = office.now
    for people in ((ADA.subject,), (ADA.subject, "bea"), (ADA.subject,)):
        office.now = moment
        view(office.replace(partner_id, *people))

    first, second = office.book.new_deactivations
    assert first.removed_at < second.removed_at
    assert [first.status, second.status] == ["cancelled", "pending"]


def test_what_the_identity_provider_says_is_a_fact_once() -> None:  # S1.43
    office = Office()
    partner_id = office.submitted(ADA, "bea")
    office.replace(partner_id, ADA.subject)
    [waiting] = office.book.new_deactivations
    report = RecordDeactivation(
        partner_id=partner_id, issuer=ISSUER, subject="bea", removed_at=waiting.removed_at, known=True
    )

    replies = [office.run(report, person("partners")) for _ in range(2)]

    assert [told(reply) for reply in replies] == [["partner.contact.deactivated"], []]
    assert waiting.status == "done"


def test_a_report_that_comes_too_late_is_still_a_fact() -> None:
    """The provider has done it although the person is back: somebody has to know."""
    office = Office()
    partner_id = office.submitted(ADA, "bea")
    office.replace(partner_id, ADA.subject)
    [waiting] = office.book.new_deactivations
    office.replace(partner_id, ADA.subject, "bea")
    report = RecordDeactivation(
        partner_id=partner_id, issuer=ISSUER, subject="bea", removed_at=waiting.removed_at, known=True
    )

    assert told(office.run(report, person("partners"))) == ["partner.contact.deactivated"]
    assert waiting.status == "cancelled"


def test_a_report_on_somebody_who_never_left_is_not_found() -> None:
    office = Office()
    partner_id = office.submitted()
    report = RecordDeactivation(partner_id=partner_id, issuer=ISSUER, subject="bea", removed_at=office.now, known=False)

    assert code(office.run(report, person("partners"))) == "NOT_FOUND"


def test_every_change_of_a_roster_moves_the_version_and_the_moment() -> None:  # S1.16
    office = Office()
    partner_id = office.submitted()
    seen = [(1, office.partner(partner_id).updated_at)]
    for people in (("bea",), ("bea", "cem"), ()):
        changed = view(office.replace(partner_id, ADA.subject, *people))
        seen.append((changed.version, changed.updated_at))

    assert all(earlier[0] < later[0] and earlier[1] < later[1] for earlier, later in pairwise(seen))
