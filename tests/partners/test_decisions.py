"""Who decides, on what, and what a decision leaves behind (S1.19-S1.26, S1.38, K6, K7)."""

from itertools import pairwise

import pytest

from contracts.decisions import ApprovePartner, RejectPartner
from contracts.partners import DocumentKind, PartnerState, PartnerView
from contracts.roles import Role
from services.chassis import Outcome, Reply
from services.partners.partner import APPROVABLE, REJECTED_TO
from tests.partners.desk import ADA, ROOT, Office, code, decision, person


def view(outcome: Outcome) -> PartnerView:
    assert isinstance(outcome, Reply), outcome
    assert isinstance(outcome.body, PartnerView)
    return outcome.body


def test_an_approval_stamps_who_and_when() -> None:  # S1.25
    office = Office()
    partner_id = office.submitted()

    approved = view(office.run(decision(partner_id), ROOT))

    assert (approved.state, approved.approved_by, approved.approved_at) == (PartnerState.APPROVED, "root-1", office.now)
    assert [a.decision.value for a in office.book.approvals] == ["APPROVED"]


def test_a_rejection_clears_the_stamp_and_suspends_an_approved_partner() -> None:  # S1.26, S1.38
    office = Office()
    partner_id = office.submitted()
    office.run(decision(partner_id), ROOT)

    reply = office.run(decision(partner_id, RejectPartner, expected_version=2), ROOT)

    suspended = view(reply)
    assert isinstance(reply, Reply)
    assert (suspended.state, suspended.approved_at, suspended.approved_by) == (PartnerState.SUSPENDED, None, None)
    assert [fact.data.type for fact in reply.facts] == ["partner.rejected", "partner.suspended"]
    assert [fact.version for fact in reply.facts] == [3, 4]


def test_only_subjects_of_the_allowlist_decide() -> None:  # S1.19
    office = Office(root_admins="somebody-else")
    partner_id = office.submitted()

    assert code(office.run(decision(partner_id), ROOT)) == "ROOT_ADMIN_REQUIRED"


def test_an_allowlisted_subject_of_another_issuer_is_a_stranger() -> None:  # S1.9, S1.19
    office = Office()
    partner_id = office.submitted()
    forged = ROOT.model_copy(update={"issuer": "https://evil.example"})

    assert code(office.run(decision(partner_id), forged)) == "ROOT_ADMIN_REQUIRED"


def test_an_empty_allowlist_lets_nobody_decide() -> None:  # S1.19
    office = Office(root_admins="")
    partner_id = office.submitted()

    assert code(office.run(decision(partner_id), ROOT)) == "ROOT_ADMIN_REQUIRED"


@pytest.mark.parametrize("notes", ["", "too short", "x" * 1025])
def test_notes_have_10_to_1024_characters(notes: str) -> None:  # S1.24
    office = Office()
    partner_id = office.submitted()

    assert code(office.run(decision(partner_id, notes=notes), ROOT)) == "NOTES_REQUIRED"


@pytest.mark.parametrize("notes", ["x" * 10, "é" * 1024])
def test_notes_at_the_bounds_are_fine(notes: str) -> None:
    office = Office()
    partner_id = office.submitted()

    assert view(office.run(decision(partner_id, notes=notes), ROOT)).state is PartnerState.APPROVED


def test_a_decision_on_a_dossier_that_has_changed_is_refused() -> None:  # K6
    office = Office()
    partner_id = office.submitted()

    assert code(office.run(decision(partner_id, dossier_version=2), ROOT)) == "DOSSIER_CHANGED"


def test_a_decision_on_an_older_version_of_the_partner_is_refused() -> None:
    office = Office()
    partner_id = office.submitted()

    assert code(office.run(decision(partner_id, expected_version=7), ROOT)) == "PRECONDITION_FAILED"


def test_nobody_decides_on_a_partner_whose_roster_they_are_in() -> None:  # K7
    office = Office()
    partner_id = office.submitted()

    assert code(office.run(decision(partner_id), ADA)) == "MAKER_CHECKER_VIOLATION"


def test_nobody_decides_on_a_dossier_they_uploaded() -> None:  # K7
    office = Office(root_admins="root-1,clerk")
    clerk = person("clerk", Role.PARTNER_ADMIN)
    partner_id = office.submitted(clerk)
    office.book.partners[partner_id].contacts.clear()

    assert code(office.run(decision(partner_id), clerk)) == "MAKER_CHECKER_VIOLATION"


def test_an_unknown_partner_is_not_found() -> None:
    office = Office()
    _, nobody = office.upload(ADA, DocumentKind.KYB)

    assert code(office.run(decision(nobody), ROOT)) == "NOT_FOUND"


def test_a_decision_is_not_repeated() -> None:  # S1.20
    office = Office()
    partner_id = office.submitted()
    office.run(decision(partner_id), ROOT)

    assert code(office.run(decision(partner_id, expected_version=2), ROOT)) == "PARTNER_STATE_INVALID"


@pytest.mark.parametrize("state", PartnerState)
@pytest.mark.parametrize("kind", [ApprovePartner, RejectPartner])
def test_every_move_outside_the_lifecycle_is_refused_and_changes_nothing(state: PartnerState, kind: type) -> None:
    """S1.1: each state times each decision."""
    office = Office()
    partner_id = office.submitted()
    partner = office.book.partners[partner_id]
    partner.state = state
    legal = state in (APPROVABLE if kind is ApprovePartner else REJECTED_TO)

    outcome = office.run(decision(partner_id, kind), ROOT)

    assert isinstance(outcome, Reply) is legal
    if not legal:
        assert code(outcome) == "PARTNER_STATE_INVALID"
        assert (partner.state, partner.version, office.book.approvals) == (state, 1, [])


def test_updated_at_moves_with_every_change_even_within_one_moment() -> None:  # S1.16
    office = Office()
    partner_id = office.submitted()
    moments = [office.book.partners[partner_id].updated_at]
    frozen = office.now

    for kind, version in ((ApprovePartner, 1), (RejectPartner, 2)):
        office.now = frozen.replace(year=2025)
        office.run(decision(partner_id, kind, expected_version=version), ROOT)
        moments.append(office.book.partners[partner_id].updated_at)

    assert all(earlier < later for earlier, later in pairwise(moments))
