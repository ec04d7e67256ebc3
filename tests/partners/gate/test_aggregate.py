"""The facts are those of the aggregate, and the model of a change does what the command does to the partner."""

from uuid import UUID

from contracts.decisions import ApprovePartner, RejectPartner
from contracts.partners import PartnerState
from services.chassis import Reply
from services.partners.gate import Capability, Change, Facts, Open, Policy, apply, decide
from services.partners.gate.aggregate import facts_of
from tests.partners.desk import ADA, ROOT, Office, decision

POLICY = Policy()


def facts(office: Office, partner_id: UUID) -> Facts:
    return facts_of(office.book.partners[partner_id])


def test_an_application_has_the_facts_of_its_partner() -> None:
    office = Office()
    partner_id = office.submitted(ADA)
    partner = office.book.partners[partner_id]
    partner.contacts.append(partner.contacts[0].model_copy(update={"subject": "left", "status": "REMOVED"}))

    read = facts(office, partner_id)

    assert (read.state, read.dossier_version, read.proposals) == (PartnerState.PENDING_REVIEW, 1, 0)
    assert read.active_contacts == 1
    assert dict(read.documents) == {d.kind: d.uploaded_at for d in partner.documents}


def test_an_approval_by_the_aggregate_is_the_approval_of_the_model() -> None:
    office = Office()
    partner_id = office.submitted()
    before = facts(office, partner_id)

    approved = office.run(decision(partner_id, ApprovePartner), ROOT)

    assert isinstance(approved, Reply)
    assert facts(office, partner_id) == apply(before, Change.APPROVE, POLICY, office.now)
    assert all(isinstance(decide(facts(office, partner_id), POLICY, c, office.now), Open) for c in Capability)


def test_a_suspension_closes_everything_in_the_same_moment() -> None:  # S1.38
    office = Office()
    partner_id = office.submitted()
    office.run(decision(partner_id, ApprovePartner), ROOT)

    office.run(decision(partner_id, RejectPartner, expected_version=2), ROOT)

    assert not any(isinstance(decide(facts(office, partner_id), POLICY, c, office.now), Open) for c in Capability)
