"""Where each verb leads, and what a decision leaves behind (S1.1, S1.20-S1.26, S1.38-S1.41, K3-K5)."""

from itertools import pairwise
from uuid import UUID

import pytest

from contracts.decisions import ApprovePartner, Decide, ReinstatePartner, RejectPartner, RequestInfo, Verdict
from contracts.partners import PartnerState
from contracts.reasons import REASONS
from services.chassis import Refusal, Reply
from tests.partners.desk import FIELDS, ROOT_2, Office, code, pointers, told, view

S = PartnerState
KINDS = (ApprovePartner, RejectPartner, RequestInfo, ReinstatePartner)
MOVES = {
    (S.PENDING_REVIEW, ApprovePartner): S.APPROVED,
    (S.PENDING_REVIEW, RejectPartner): S.REJECTED,
    (S.PENDING_REVIEW, RequestInfo): S.INFO_REQUESTED,
    (S.INFO_REQUESTED, RejectPartner): S.REJECTED,
    (S.APPROVED, RejectPartner): S.SUSPENDED,
    (S.SUSPENDED, ReinstatePartner): S.APPROVED,
}
"""The whole lifecycle; everything else is PARTNER_STATE_INVALID."""
WAYS: dict[PartnerState, tuple[type[Decide], ...]] = {
    S.PENDING_REVIEW: (),
    S.INFO_REQUESTED: (RequestInfo,),
    S.APPROVED: (ApprovePartner,),
    S.REJECTED: (RejectPartner,),
    S.SUSPENDED: (ApprovePartner, RejectPartner),
}


def brought_to(state: PartnerState) -> tuple[Office, UUID]:
    office = Office()
    partner_id = office.submitted()
    for kind in WAYS[state]:
        view(office.decide(partner_id, kind))
    assert office.partner(partner_id).state is state
    return office, partner_id


@pytest.mark.parametrize("state", PartnerState)
@pytest.mark.parametrize("kind", KINDS)
def test_each_verb_leads_from_each_state_where_the_table_says_and_nowhere_else(
    state: PartnerState, kind: type[Decide]
) -> None:  # S1.1
    office, partner_id = brought_to(state)
    partner, decisions = office.partner(partner_id), len(office.book.approvals)
    before = (partner.version, partner.updated_at)

    outcome = office.decide(partner_id, kind)

    if (state, kind) in MOVES:
        assert view(outcome).state is MOVES[state, kind]
        assert len(office.book.approvals) == decisions + 1
    else:
        assert code(outcome) == "PARTNER_STATE_INVALID"
        assert (partner.state, len(office.book.approvals)) == (state, decisions)
        assert (partner.version, partner.updated_at) == before


def test_an_approval_stamps_who_and_when_and_what_was_reviewed() -> None:  # S1.25, S1.47
    office = Office()
    partner_id = office.submitted()

    approved = view(office.decide(partner_id, ApprovePartner))

    assert (approved.state, approved.approved_by, approved.approved_at) == (S.APPROVED, "root-1", office.now)
    assert approved.approved_dossier_version == 1
    assert [a.decision.value for a in office.book.approvals] == ["APPROVED"]


def test_a_rejection_clears_the_stamp_and_suspends_an_approved_partner() -> None:  # S1.26, S1.38
    office = Office()
    partner_id = office.submitted()
    office.decide(partner_id, ApprovePartner)

    reply = office.decide(partner_id, RejectPartner)

    suspended = view(reply)
    assert isinstance(reply, Reply)
    assert (suspended.state, suspended.approved_at, suspended.approved_by) == (S.SUSPENDED, None, None)
    assert suspended.approved_dossier_version is None
    assert told(reply) == ["partner.rejected", "partner.suspended"]
    assert [fact.version for fact in reply.facts] == [3, 4]


def test_a_suspension_is_lifted_by_a_decision_of_its_own() -> None:  # S1.41
    office, partner_id = brought_to(S.SUSPENDED)

    reply = office.decide(partner_id, ReinstatePartner, ROOT_2)

    reinstated = view(reply)
    assert told(reply) == ["partner.reinstated"]
    assert (reinstated.state, reinstated.approved_by, reinstated.approved_at) == (S.APPROVED, "root-2", office.now)
    assert office.book.approvals[-1].decision is Verdict.REINSTATED


def test_a_request_for_more_says_what_is_wanted_and_a_decision_takes_it_back() -> None:  # K3
    office = Office()
    partner_id = office.submitted()

    reply = office.decide(partner_id, RequestInfo, fields=(*FIELDS, "/contacts/0/phone", *FIELDS))
    rejected = office.decide(partner_id, RejectPartner)

    assert view(reply).fields_requested == (*FIELDS, "/contacts/0/phone")
    assert told(reply) == ["partner.info_requested"]
    assert office.book.approvals[0].fields == (*FIELDS, "/contacts/0/phone")
    assert view(rejected).fields_requested == ()


@pytest.mark.parametrize("reason", [*REASONS, "MADE_UP"])
@pytest.mark.parametrize(("state", "kind"), MOVES, ids=lambda each: getattr(each, "type", each))
def test_a_reason_code_fits_the_verdict_that_results(state: PartnerState, kind: type[Decide], reason: str) -> None:
    """K5: the same verb takes other reasons where it suspends than where it rejects."""
    office, partner_id = brought_to(state)
    verdicts = {S.APPROVED: Verdict.APPROVED, S.REJECTED: Verdict.REJECTED, S.INFO_REQUESTED: Verdict.INFO_REQUESTED}
    verdict = {**verdicts, S.SUSPENDED: Verdict.SUSPENDED}[MOVES[state, kind]]
    verdict = Verdict.REINSTATED if kind is ReinstatePartner else verdict
    fitting = tuple(name for name, entry in REASONS.items() if verdict in entry.verdicts)

    outcome = office.decide(partner_id, kind, reason_code=reason)

    if reason in fitting:
        assert view(outcome).state is MOVES[state, kind]
    else:
        assert isinstance(outcome, Refusal)
        assert (code(outcome), outcome.extra["reasons"]) == ("REASON_CODE_INVALID", fitting)


def test_evidence_is_part_of_the_reviewed_dossier() -> None:
    office = Office()
    partner_id = office.submitted()
    known = office.partner(partner_id).documents[0].object_key

    refused = office.decide(partner_id, ApprovePartner, evidence=(known, "partners/elsewhere"))
    taken = office.decide(partner_id, ApprovePartner, evidence=(known,))

    assert (code(refused), pointers(refused)) == ("EVIDENCE_REF_INVALID", ["/evidence/1"])
    assert view(taken).state is S.APPROVED
    assert office.book.approvals[0].evidence == (known,)


def test_a_decision_is_not_repeated() -> None:  # S1.20
    office = Office()
    partner_id = office.submitted()
    office.decide(partner_id, ApprovePartner)

    assert code(office.decide(partner_id, ApprovePartner)) == "PARTNER_STATE_INVALID"


def test_a_final_rejection_says_so_to_every_verb() -> None:
    office = Office()
    partner_id = office.submitted()
    view(office.decide(partner_id, RejectPartner, reason_code="FRAUD"))

    answers = [code(office.decide(partner_id, kind)) for kind in KINDS]

    assert answers == ["PARTNER_REJECTED_FINAL"] * 4


def test_a_suspension_is_never_final_whatever_its_reason() -> None:  # S1.41
    office = Office()
    partner_id = office.submitted()
    office.decide(partner_id, ApprovePartner)
    view(office.decide(partner_id, RejectPartner, reason_code="FRAUD"))

    assert not office.partner(partner_id).rejected_final
    assert view(office.decide(partner_id, ReinstatePartner)).state is S.APPROVED


def test_updated_at_moves_with_every_change_even_within_one_moment() -> None:  # S1.16
    office = Office()
    partner_id = office.submitted()
    moments = [office.partner(partner_id).updated_at]

    for kind in (ApprovePartner, RejectPartner, ReinstatePartner):
        office.now = office.now.replace(year=2025)
        view(office.decide(partner_id, kind))
        moments.append(office.partner(partner_id).updated_at)

    assert all(earlier < later for earlier, later in pairwise(moments))
