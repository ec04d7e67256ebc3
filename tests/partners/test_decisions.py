"""Who decides, on what, and what a decision leaves behind (S1.1, S1.19-S1.26, S1.38-S1.41, K3-K7)."""

from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from contracts.decisions import ApprovePartner, Decide, ReinstatePartner, RejectPartner, RequestInfo, Verdict
from contracts.partners import DocumentKind, FileDossier, PartnerState
from contracts.reasons import REASONS
from contracts.roles import Role
from services.chassis import Refusal, Reply
from tests.partners.desk import ADA, FIELDS, ROOT, ROOT_2, Office, code, contact, decision, person, pointers, told, view

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


def test_only_subjects_of_the_allowlist_decide() -> None:  # S1.19
    office = Office(root_admins="somebody-else")
    partner_id = office.submitted()

    assert code(office.decide(partner_id, ApprovePartner)) == "ROOT_ADMIN_REQUIRED"


def test_an_allowlisted_subject_of_another_issuer_is_a_stranger() -> None:  # S1.9, S1.19
    office = Office()
    partner_id = office.submitted()
    forged = ROOT.model_copy(update={"issuer": "https://evil.example"})

    assert code(office.decide(partner_id, ApprovePartner, forged)) == "ROOT_ADMIN_REQUIRED"


def test_an_empty_allowlist_lets_nobody_decide() -> None:  # S1.19
    office = Office(root_admins="")
    partner_id = office.submitted()

    assert code(office.decide(partner_id, ApprovePartner)) == "ROOT_ADMIN_REQUIRED"


@pytest.mark.parametrize("notes", ["", "too short", "x" * 1025])
@pytest.mark.parametrize("kind", KINDS)
def test_notes_have_10_to_1024_characters(kind: type[Decide], notes: str) -> None:  # S1.24, S1.44
    office = Office()
    partner_id = office.submitted()

    assert code(office.decide(partner_id, kind, notes=notes)) == "NOTES_REQUIRED"


@pytest.mark.parametrize("notes", ["x" * 10, "é" * 1024])
def test_notes_at_the_bounds_are_fine(notes: str) -> None:
    office = Office()
    partner_id = office.submitted()

    assert view(office.decide(partner_id, ApprovePartner, notes=notes)).state is S.APPROVED


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


def test_a_reviewer_of_an_older_dossier_is_told_that_it_changed_not_that_its_evidence_is_wrong() -> None:  # K6
    office = Office()
    partner_id = office.submitted()
    replaced = office.partner(partner_id).documents[1].object_key
    office.file(partner_id)

    assert code(office.decide(partner_id, ApprovePartner, dossier_version=1, evidence=(replaced,))) == "DOSSIER_CHANGED"


@pytest.mark.parametrize("kind", [ApprovePartner, RejectPartner, RequestInfo])
def test_a_decision_on_another_version_of_the_dossier_is_refused(kind: type[Decide]) -> None:  # K6
    office = Office()
    partner_id = office.submitted()

    assert code(office.decide(partner_id, kind, dossier_version=2)) == "DOSSIER_CHANGED"


@pytest.mark.parametrize("kind", [ApprovePartner, RejectPartner, RequestInfo])
def test_a_decision_on_another_version_of_the_partner_is_refused(kind: type[Decide]) -> None:
    office = Office()
    partner_id = office.submitted()

    assert code(office.decide(partner_id, kind, expected_version=7)) == "PRECONDITION_FAILED"


def test_nobody_decides_on_a_partner_whose_roster_they_are_in() -> None:  # K7
    office = Office()
    partner_id = office.submitted()

    assert code(office.decide(partner_id, ApprovePartner, ADA)) == "MAKER_CHECKER_VIOLATION"


def test_nobody_decides_on_a_partner_whose_roster_they_have_left() -> None:  # K7
    office = Office()
    partner_id = office.submitted(ADA, "bea")
    view(office.replace(partner_id, "bea"))

    assert code(office.decide(partner_id, ApprovePartner, ADA)) == "MAKER_CHECKER_VIOLATION"


def test_a_namesake_of_another_issuer_is_somebody_else() -> None:  # S1.9, K7
    office = Office()
    partner_id = office.submitted()
    view(office.replace(partner_id, ADA.subject, contact("root-1", issuer="https://other.example")))

    assert view(office.decide(partner_id, ApprovePartner)).state is S.APPROVED


def test_who_filed_or_uploaded_a_document_does_not_decide_on_it() -> None:  # K7
    office = Office()
    partner_id = office.submitted()
    uploaded, _ = office.upload(ROOT_2, DocumentKind.LICENSING, partner_id)
    view(office.run(FileDossier(partner_id=partner_id, licensing_object_key=uploaded), ADA))
    office.file(partner_id, ROOT, "kyb")

    assert code(office.decide(partner_id, ApprovePartner, ROOT)) == "MAKER_CHECKER_VIOLATION"
    assert code(office.decide(partner_id, ApprovePartner, ROOT_2)) == "MAKER_CHECKER_VIOLATION"


def test_an_unknown_partner_is_not_found() -> None:
    office = Office()
    _, nobody = office.upload(ADA, DocumentKind.KYB)

    assert code(office.run(decision(nobody), ROOT)) == "NOT_FOUND"


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


def test_updated_at_moves_with_every_change_even_within_one_moment() -> None:  # S1.16
    office = Office()
    partner_id = office.submitted()
    moments = [office.partner(partner_id).updated_at]

    for kind in (ApprovePartner, RejectPartner, ReinstatePartner):
        office.now = office.now.replace(year=2025)
        view(office.decide(partner_id, kind))
        moments.append(office.partner(partner_id).updated_at)

    assert all(earlier < later for earlier, later in pairwise(moments))


def test_what_is_wrong_first_is_told_first() -> None:
    """Each fault is put right in turn, and the next one shows."""
    office = Office(root_admins="auth0|ada")
    partner_id = office.submitted()
    faults: dict[str, Any] = {
        "notes": "short",
        "reason_code": "FRAUD",
        "evidence": ("nothing",),
        "dossier_version": 1,
        "expected_version": 0,
    }
    seen = [code(office.decide(partner_id, ApprovePartner, person("x", Role.ROOT_ADMIN), **faults))]
    for name in ("notes", "reason_code", "evidence"):
        seen.append(code(office.decide(partner_id, ApprovePartner, ADA, **faults)))
        del faults[name]
    seen.append(code(office.decide(partner_id, ApprovePartner, ADA, **faults)))
    office.allow("root-1")
    office.partner(partner_id).state = S.REJECTED
    seen.append(code(office.decide(partner_id, ApprovePartner, **faults | {"dossier_version": 9})))
    office.partner(partner_id).state = S.PENDING_REVIEW
    seen.append(code(office.decide(partner_id, ApprovePartner, **faults | {"dossier_version": 9})))
    seen.append(code(office.decide(partner_id, ApprovePartner, **faults)))

    assert seen == [
        "ROOT_ADMIN_REQUIRED",
        "NOTES_REQUIRED",
        "REASON_CODE_INVALID",
        "EVIDENCE_REF_INVALID",
        "MAKER_CHECKER_VIOLATION",
        "PARTNER_STATE_INVALID",
        "DOSSIER_CHANGED",
        "PRECONDITION_FAILED",
    ]
