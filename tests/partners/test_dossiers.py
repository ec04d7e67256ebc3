"""Later documents: only what is new, checked like the first, every version kept (S1.13-S1.16, K3, K8, K22)."""

from datetime import timedelta
from uuid import UUID

import pytest

from contracts.decisions import ApprovePartner, ReinstatePartner, RejectPartner, RequestInfo
from contracts.message import Actor
from contracts.partner_events import PartnerDossierFiled
from contracts.partners import DocumentKind, FileDossier, PartnerState
from services.chassis import Outcome, Reply
from services.partners.dossiers.evidence import AWAY, MISSING, Finding
from tests.partners.desk import ADA, EVE, IMPOSTOR, ROOT, Office, code, contact, pointers, told, view

S = PartnerState


def filed(reply: Outcome) -> PartnerDossierFiled:
    assert isinstance(reply, Reply)
    [fact] = [fact.data for fact in reply.facts if isinstance(fact.data, PartnerDossierFiled)]
    return fact


def test_a_new_licence_leaves_the_other_document_as_it_was() -> None:  # S1.13
    office = Office()
    partner_id = office.submitted()
    kyb, licensing = (d.object_key for d in office.partner(partner_id).documents)

    reply = office.file(partner_id)

    new = {d.kind: d.object_key for d in view(reply).dossier.documents}
    assert told(reply) == ["partner.dossier_filed"]
    assert (new["kyb"], view(reply).dossier.version) == (kyb, 2)
    assert new["licensing"] != licensing
    assert {d.object_key for d in filed(reply).documents} == set(new.values())


def test_every_version_is_filed_with_all_that_was_in_force() -> None:  # S1.14
    office = Office()
    partner_id = office.submitted()
    office.file(partner_id)
    office.file(partner_id, ROOT, "kyb")

    versions = [(f.version, f.filed_by, len(f.documents), len(f.roster)) for f in office.book.filings]

    assert versions == [(1, ADA.subject, 2, 1), (2, ADA.subject, 2, 1), (3, "root-1", 2, 1)]


def test_an_update_of_nothing_is_refused() -> None:  # S1.13
    office = Office()
    partner_id = office.submitted()

    assert code(office.run(FileDossier(partner_id=partner_id), ADA)) == "DOSSIER_EMPTY"


def test_the_same_documents_again_change_nothing() -> None:
    office = Office()
    partner_id = office.submitted()
    kyb, licensing = (d.object_key for d in office.partner(partner_id).documents)
    before = office.partner(partner_id).view()
    again = FileDossier(
        partner_id=partner_id,
        kyb_object_key=kyb,
        licensing_object_key=licensing,
        contacts=(contact(ADA.subject),),
    )

    reply = office.run(again, ADA)

    assert (told(reply), view(reply)) == ([], before)
    assert len(office.book.filings) == 1


def test_documents_and_people_come_together() -> None:
    office = Office()
    partner_id = office.submitted()
    key, _ = office.upload(ADA, DocumentKind.KYB, partner_id)
    people = (contact(ADA.subject, role="Chair"), contact("bea"))

    reply = office.run(FileDossier(partner_id=partner_id, kyb_object_key=key, contacts=people), ADA)

    assert told(reply) == ["partner.contact.updated", "partner.contact.added", "partner.dossier_filed"]
    assert [contact.subject for contact in filed(reply).contacts] == [ADA.subject, "bea"]


def test_an_upload_of_a_colleague_may_be_filed() -> None:
    office = Office()
    partner_id = office.submitted(ADA)
    key, _ = office.upload(ROOT, DocumentKind.KYB, partner_id)

    assert view(office.run(FileDossier(partner_id=partner_id, kyb_object_key=key), ADA)).dossier.version == 2


def test_keys_are_checked_as_in_an_application() -> None:  # S1.6, S1.7
    office = Office()
    partner_id = office.submitted()
    theirs, _ = office.upload(EVE, DocumentKind.KYB)
    licence, _ = office.upload(ADA, DocumentKind.LICENSING, partner_id)
    hand_made = f"partners/{partner_id}/kyb/20261122T050138507770Z"

    def file(key: str) -> Outcome:
        return office.run(FileDossier(partner_id=partner_id, kyb_object_key=key), ADA)

    assert [code(file(key)) for key in (theirs, licence, hand_made, "../etc")] == [
        "DOSSIER_KEY_FORBIDDEN",
        "DOSSIER_KEY_FORMAT",
        "DOSSIER_KEY_FORMAT",
        "DOSSIER_KEY_FORMAT",
    ]
    assert pointers(file(theirs)) == ["/kyb_object_key"]


@pytest.mark.parametrize(
    ("finding", "wanted"), [(MISSING, "DOSSIER_OBJECT_NOT_FOUND"), (AWAY, "DEPENDENCY_UNAVAILABLE")]
)
def test_evidence_is_looked_up_again(finding: Finding, wanted: str) -> None:
    office = Office()
    partner_id = office.submitted()
    key, _ = office.upload(ADA, DocumentKind.KYB, partner_id)
    office.stored[key] = finding

    assert code(office.run(FileDossier(partner_id=partner_id, kyb_object_key=key), ADA)) == wanted


@pytest.mark.parametrize(
    ("actor", "wanted"), [(EVE, "NOT_FOUND"), (IMPOSTOR, "ROOT_ADMIN_REQUIRED")], ids=["stranger", "root role alone"]
)
def test_only_its_people_and_root_admins_file(actor: Actor, wanted: str) -> None:  # S1.15
    office = Office()
    partner_id = office.submitted()

    assert code(office.run(FileDossier(partner_id=partner_id), actor)) == wanted


def test_a_removed_contact_files_no_more() -> None:  # S1.15
    office = Office()
    partner_id = office.submitted(ADA, "bea")
    office.replace(partner_id, "bea")

    assert code(office.run(FileDossier(partner_id=partner_id), ADA)) == "CONTACT_REMOVED"


@pytest.mark.parametrize(
    ("way", "before", "after"),
    [
        pytest.param((), S.PENDING_REVIEW, S.PENDING_REVIEW, id="under review stays there"),
        pytest.param((RequestInfo,), S.INFO_REQUESTED, S.PENDING_REVIEW, id="an answer returns to review, K3"),
        pytest.param((RejectPartner,), S.REJECTED, S.PENDING_REVIEW, id="a rejected one is looked at again, K22"),
        pytest.param((ApprovePartner,), S.APPROVED, S.APPROVED, id="approved stays, with a deadline, K8"),
        pytest.param((ApprovePartner, RejectPartner), S.SUSPENDED, S.SUSPENDED, id="suspended stays"),
    ],
)
def test_a_new_version_moves_the_case_where_it_has_to(
    way: tuple[type, ...], before: PartnerState, after: PartnerState
) -> None:
    office, partner_id = brought(*way)

    reply = office.file(partner_id)

    assert (filed(reply).previous_state, filed(reply).state) == (before, after)
    assert (view(reply).state, view(reply).fields_requested) == (after, ())
    assert (view(reply).rereview_due_at is not None) is (after is S.APPROVED)


def test_a_final_rejection_takes_no_new_dossier() -> None:  # K22
    office = Office()
    partner_id = office.submitted()
    view(office.decide(partner_id, RejectPartner, reason_code="FRAUD"))

    assert code(office.file(partner_id)) == "PARTNER_REJECTED_FINAL"


def test_nobody_pushes_the_deadline_of_a_re_review_forward() -> None:  # K8
    office, partner_id = brought(ApprovePartner)
    first = view(office.file(partner_id)).rereview_due_at
    office.now += timedelta(days=3)

    later = view(office.file(partner_id, kind="kyb")).rereview_due_at

    assert later == first


def test_a_re_review_is_closed_by_the_next_approval_of_what_is_there_now() -> None:  # K8
    office, partner_id = brought(ApprovePartner)
    office.file(partner_id)

    again = view(office.decide(partner_id, ApprovePartner))

    assert (again.approved_dossier_version, again.rereview_due_at) == (2, None)
    assert code(office.decide(partner_id, ApprovePartner)) == "PARTNER_STATE_INVALID"


def test_a_reinstated_partner_is_approved_on_the_dossier_that_is_there_now() -> None:  # S1.47
    office, partner_id = brought(ApprovePartner, RejectPartner)
    office.file(partner_id)

    reinstated = view(office.decide(partner_id, ReinstatePartner))

    assert (reinstated.approved_dossier_version, reinstated.dossier.version) == (2, 2)


def brought(*way: type) -> tuple[Office, UUID]:
    office = Office()
    partner_id = office.submitted()
    for kind in way:
        view(office.decide(partner_id, kind))
    return office, partner_id
