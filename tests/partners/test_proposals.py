"""Where two must agree, the first agreement is a proposal and nothing is in force before the second (K7)."""

from uuid import UUID

import pytest

from contracts.decisions import (
    ApprovePartner,
    Decide,
    PartnerProposalLapsed,
    ReinstatePartner,
    RejectPartner,
    RequestInfo,
)
from contracts.partners import PartnerState, RecordRootAdmins
from services.chassis import Outcome, Reply
from tests.partners.desk import ADA, ROOT, ROOT_2, Office, code, person, told, view

S = PartnerState


def two() -> tuple[Office, UUID]:
    office = Office(approvals_required=2)
    return office, office.submitted()


def why(reply: Outcome) -> list[str]:
    assert isinstance(reply, Reply)
    return [fact.data.why for fact in reply.facts if isinstance(fact.data, PartnerProposalLapsed)]


def test_the_first_agreement_puts_nothing_into_force() -> None:
    office, partner_id = two()

    reply = office.decide(partner_id, ApprovePartner)

    first = view(reply)
    assert told(reply) == ["partner.approval_proposed"]
    assert (first.state, first.approvals_pending, first.version) == (S.PENDING_REVIEW, 1, 2)
    assert (first.approved_at, office.book.approvals) == (None, [])


def test_the_second_agreement_by_somebody_else_decides() -> None:
    office, partner_id = two()
    office.decide(partner_id, ApprovePartner)

    reply = office.decide(partner_id, ApprovePartner, ROOT_2)

    approved = view(reply)
    [approval] = office.book.approvals
    assert told(reply) == ["partner.approved"]
    assert (approved.state, approved.approved_by, approved.approvals_pending) == (S.APPROVED, "root-2", 0)
    assert (approval.decided_by, approval.proposed_by) == ("root-2", "root-1")
    assert [p.closed_as for p in office.book.new_proposals] == ["TAKEN"]


def test_one_person_does_not_agree_twice() -> None:
    office, partner_id = two()
    office.decide(partner_id, ApprovePartner)

    assert code(office.decide(partner_id, ApprovePartner)) == "MAKER_CHECKER_VIOLATION"


def test_two_agree_on_lifting_a_suspension_too() -> None:
    office, partner_id = two()
    for actor in (ROOT, ROOT_2):
        view(office.decide(partner_id, ApprovePartner, actor))
    view(office.decide(partner_id, RejectPartner))

    first = view(office.decide(partner_id, ReinstatePartner))
    second = view(office.decide(partner_id, ReinstatePartner, ROOT_2))

    assert (first.state, second.state) == (S.SUSPENDED, S.APPROVED)


def test_two_agree_on_a_re_review_too() -> None:  # K8
    office, partner_id = two()
    for actor in (ROOT, ROOT_2):
        view(office.decide(partner_id, ApprovePartner, actor))
    office.file(partner_id)

    first = view(office.decide(partner_id, ApprovePartner))
    second = view(office.decide(partner_id, ApprovePartner, ROOT_2))

    assert (first.approved_dossier_version, first.approvals_pending) == (1, 1)
    assert (second.approved_dossier_version, second.rereview_due_at) == (2, None)


@pytest.mark.parametrize("kind", [RejectPartner, RequestInfo])
def test_turning_down_or_asking_for_more_takes_one_and_closes_the_proposal(kind: type[Decide]) -> None:
    office, partner_id = two()
    office.decide(partner_id, ApprovePartner)

    reply = office.decide(partner_id, kind, ROOT_2)

    assert told(reply)[-1] == "partner.proposal_lapsed"
    assert (why(reply), view(reply).approvals_pending) == (["DECIDED_OTHERWISE"], 0)
    assert [p.closed_as for p in office.book.new_proposals] == ["LAPSED"]


def test_a_proposal_lapses_when_the_evidence_changes() -> None:
    office, partner_id = two()
    office.decide(partner_id, ApprovePartner)

    reply = office.file(partner_id)

    assert told(reply) == ["partner.dossier_filed", "partner.proposal_lapsed"]
    assert (why(reply), view(reply).approvals_pending) == (["DOSSIER_CHANGED"], 0)
    assert view(office.decide(partner_id, ApprovePartner, ROOT_2)).state is S.PENDING_REVIEW


def test_a_proposal_outlives_a_change_that_is_no_evidence() -> None:
    office = Office(approvals_required=2)
    partner_id = office.submitted(ADA, "bea")
    office.decide(partner_id, ApprovePartner)

    left = view(office.replace(partner_id, "bea"))

    assert left.approvals_pending == 1


def test_the_word_of_who_lost_the_right_does_not_count() -> None:
    """S1.19, K7: at the moment of the second agreement, not of the first."""
    office, partner_id = two()
    office.decide(partner_id, ApprovePartner)
    office.allow("root-2", "root-3")

    reply = office.decide(partner_id, ApprovePartner, ROOT_2)

    assert told(reply) == ["partner.proposal_lapsed", "partner.approval_proposed"]
    assert (why(reply), view(reply).state) == (["AUTHOR_NOT_ALLOWED"], S.PENDING_REVIEW)
    assert [(p.proposed_by, p.closed_as) for p in office.book.new_proposals] == [("root-1", "LAPSED"), ("root-2", None)]


def test_a_refused_agreement_leaves_the_proposal_as_it_is() -> None:
    office, partner_id = two()
    office.decide(partner_id, ApprovePartner)
    office.allow("root-2")

    assert code(office.decide(partner_id, ApprovePartner, ROOT_2, expected_version=1)) == "PRECONDITION_FAILED"
    assert office.partner(partner_id).proposal is not None


def test_where_one_is_enough_again_an_open_proposal_of_ones_own_does_not_stand_in_the_way() -> None:
    office, partner_id = two()
    office.decide(partner_id, ApprovePartner)
    office.book.rules = Office().book.rules

    reply = office.decide(partner_id, ApprovePartner)

    assert told(reply) == ["partner.approved", "partner.proposal_lapsed"]
    assert office.book.approvals[0].proposed_by is None


def test_a_change_of_the_allowlist_is_a_fact_with_what_changed() -> None:  # S1.19
    office = Office()
    system = person("partners")

    replies = [
        office.run(RecordRootAdmins(subjects=subjects), system)
        for subjects in (("root-1", "root-2"), ("root-2", "root-1"), ("root-2", "root-3"))
    ]

    facts = [[fact.data.model_dump() for fact in reply.facts] for reply in replies if isinstance(reply, Reply)]
    assert facts == [
        [{"added": ("root-1", "root-2"), "removed": ()}],
        [],
        [{"added": ("root-3",), "removed": ("root-1",)}],
    ]
    assert office.book.allowlist.version == 2
