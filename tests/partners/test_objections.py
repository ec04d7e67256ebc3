"""Why a decision is refused: who may not, what is missing, what has changed (S1.19, S1.24, K6, K7)."""

from typing import Any

import pytest

from contracts.decisions import ApprovePartner, Decide, ReinstatePartner, RejectPartner, RequestInfo
from contracts.partners import DocumentKind, FileDossier, PartnerState
from contracts.roles import Role
from tests.partners.desk import ADA, ROOT, ROOT_2, Office, code, contact, decision, person, view

S = PartnerState
KINDS = (ApprovePartner, RejectPartner, RequestInfo, ReinstatePartner)


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


def test_a_root_admin_who_was_a_contact_once_never_decides_on_that_partner() -> None:  # K7
    office = Office()
    partner_id = office.submitted(ADA, "root-1")
    view(office.replace(partner_id, ADA.subject))

    assert code(office.decide(partner_id, ApprovePartner, ROOT)) == "MAKER_CHECKER_VIOLATION"


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


def test_who_filed_what_somebody_else_uploaded_does_not_decide_on_it() -> None:  # K7
    office = Office()
    partner_id = office.submitted()
    uploaded, _ = office.upload(ADA, DocumentKind.LICENSING, partner_id)
    view(office.run(FileDossier(partner_id=partner_id, licensing_object_key=uploaded), ROOT))

    assert code(office.decide(partner_id, ApprovePartner, ROOT)) == "MAKER_CHECKER_VIOLATION"
    assert view(office.decide(partner_id, ApprovePartner, ROOT_2)).state is S.APPROVED


def test_an_unknown_partner_is_not_found() -> None:
    office = Office()
    _, nobody = office.upload(ADA, DocumentKind.KYB)

    assert code(office.run(decision(nobody), ROOT)) == "NOT_FOUND"


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
