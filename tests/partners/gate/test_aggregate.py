"""The facts are those of the aggregate, and a change of the model does what its command does to the partner."""

import random
from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest

from contracts.decisions import ApprovePartner, Decide, ReinstatePartner, RejectPartner, RequestInfo
from contracts.message import Actor
from contracts.partners import DocumentKind, FileDossier, PartnerState
from services.chassis import Outcome, Reply
from services.partners.gate import Capability, Change, Facts, Open, Policy, apply, decide, facts_of
from tests.partners.desk import ADA, ROOT, ROOT_2, Office, contact, person, view

CLERK = person("root-3", *ROOT.roles)
FILINGS = {
    Change.FILE_NEW_DOSSIER: ("kyb", "licensing"),
    Change.UPLOAD_KYB: ("kyb",),
    Change.UPLOAD_LICENSING: ("licensing",),
}
VERBS = {
    Change.APPROVE: ApprovePartner,
    Change.SECOND_APPROVE: ApprovePartner,
    Change.REINSTATE: ReinstatePartner,
    Change.SECOND_REINSTATE: ReinstatePartner,
}
SECOND = {Change.SECOND_APPROVE, Change.SECOND_REINSTATE}
ONLY_WHERE_IT_MEANS_SOMETHING = SECOND | {Change.FILE_NEW_DOSSIER, Change.ANSWER_FIELDS, Change.NAME_CONTACT}


class Twins:
    """A real partner, and the model beside it; every command goes through the handlers."""

    def __init__(self, approvals_required: int) -> None:
        self.office = Office("root-1,root-2,root-3", approvals_required)
        self.policy = Policy(approvals_required=approvals_required)
        self.partner_id: UUID = self.office.submitted()

    @property
    def facts(self) -> Facts:
        return facts_of(self.office.partner(self.partner_id), self.office.book.root_admins)

    def make(self, change: Change) -> Outcome:
        """The command behind a change, by somebody who may give it."""
        if change in VERBS:
            return self.office.decide(self.partner_id, VERBS[change], self._approver(second=change in SECOND))
        if change is Change.NAME_CONTACT:
            return self.office.replace(self.partner_id, "auth0|new", actor=CLERK)
        if change is Change.ANSWER_FIELDS:
            people = (contact(ADA.subject, role=f"Director {self.office.now:%f%S%M%H}"),)
            return self.office.run(FileDossier(partner_id=self.partner_id, contacts=people), ADA)
        keys = {f"{k}_object_key": self._upload(k) for k in FILINGS[change]}
        return self.office.run(FileDossier.model_validate({"partner_id": self.partner_id, **keys}), ADA)

    def possible(self) -> list[Change]:
        return [c for c in Change if apply(self.facts, c, self.policy, self.office.now) is not None]

    def move_alike(self, change: Change) -> bool:
        """Make a change on both sides; whether it was allowed."""
        before = self.facts
        if change in ONLY_WHERE_IT_MEANS_SOMETHING and apply(before, change, self.policy, self.office.now) is None:
            return False
        outcome = self.make(change)
        modelled = apply(before, change, self.policy, self.office.now)
        assert isinstance(outcome, Reply) is (modelled is not None), (change, before, outcome)
        wanted, found = modelled or before, self.facts
        assert replace(wanted, documents=()) == replace(found, documents=()), (change, before)
        assert _renewed(before, wanted) == _renewed(before, found), (change, before)
        return modelled is not None

    def move_back(self, rng: random.Random) -> None:
        """A decision that closes something; the model does not know it."""
        verbs: tuple[type[Decide], ...] = (RejectPartner, RequestInfo, RequestInfo)
        self.office.decide(self.partner_id, rng.choice(verbs), self._approver(second=False))

    def _approver(self, *, second: bool) -> Actor:
        proposal = self.office.partner(self.partner_id).proposal
        first = ROOT_2 if proposal and proposal.proposed_by == ROOT_2.subject else ROOT
        return (ROOT if first is ROOT_2 else ROOT_2) if second else first

    def _upload(self, kind: str) -> str:
        return self.office.upload(ADA, DocumentKind(kind), self.partner_id)[0]


def _renewed(before: Facts, after: Facts) -> set[str]:
    """The kinds of documents that are not those of before."""
    old = dict(before.documents)
    return {str(kind) for kind, uploaded_at in after.documents if uploaded_at != old[kind]}


@pytest.mark.parametrize("approvals_required", [1, 2])
def test_the_model_moves_as_the_aggregate_does(approvals_required: int) -> None:
    """200 lives of 30 steps: the same changes are allowed, and they leave the same facts."""
    rng = random.Random(approvals_required)  # noqa: S311 - the same lives on every run
    allowed: Counter[Change] = Counter()
    for _ in range(200):
        twins = Twins(approvals_required)
        for _ in range(30):
            if rng.random() < 0.2:
                twins.move_back(rng)
            else:
                change = rng.choice(twins.possible() if rng.random() < 0.6 else tuple(Change))
                allowed[change] += twins.move_alike(change)

    unreachable = {Change.NAME_CONTACT} | (SECOND if approvals_required == 1 else set())
    assert {change for change in Change if allowed[change] > 20} == set(Change) - unreachable


@pytest.mark.parametrize("state", PartnerState)
def test_whoever_joins_an_empty_roster_files_a_new_version(state: PartnerState) -> None:
    """The aggregate empties no roster (S1.42), so it is emptied behind its back."""
    twins = Twins(approvals_required=1)
    _bring_to(twins, state)
    partner = twins.office.partner(twins.partner_id)
    partner.contacts[0] = partner.contacts[0].model_copy(update={"status": "REMOVED", "removed_at": twins.office.now})

    assert twins.facts.active_contacts == 0
    assert twins.move_alike(Change.NAME_CONTACT)


def _bring_to(twins: Twins, state: PartnerState) -> None:
    verbs: dict[PartnerState, tuple[type[Decide], ...]] = {
        PartnerState.PENDING_REVIEW: (),
        PartnerState.INFO_REQUESTED: (RequestInfo,),
        PartnerState.REJECTED: (RejectPartner,),
        PartnerState.APPROVED: (ApprovePartner,),
        PartnerState.SUSPENDED: (ApprovePartner, RejectPartner),
    }
    for verb in verbs[state]:
        view(twins.office.decide(twins.partner_id, verb))
    assert twins.facts.state is state


def test_nothing_moves_a_partner_that_was_rejected_for_good() -> None:  # K22
    twins = Twins(approvals_required=1)
    view(twins.office.decide(twins.partner_id, RejectPartner, reason_code="FRAUD"))

    assert twins.facts.rejected_final
    assert not any(twins.move_alike(change) for change in Change)


def test_a_proposal_counts_only_while_its_author_is_on_the_allowlist() -> None:  # K7
    twins = Twins(approvals_required=2)
    twins.office.decide(twins.partner_id, ApprovePartner)
    assert twins.facts.proposals == 1

    twins.office.allow("root-2", "root-3")

    assert twins.facts.proposals == 0
    assert twins.make(Change.SECOND_APPROVE)
    assert twins.facts.state is PartnerState.PENDING_REVIEW


def test_a_suspension_closes_everything_in_the_same_moment() -> None:  # S1.38
    twins = Twins(approvals_required=1)
    view(twins.office.decide(twins.partner_id, ApprovePartner))
    assert _opened(twins) == set(Capability)

    view(twins.office.decide(twins.partner_id, RejectPartner))

    assert not _opened(twins)


def _opened(twins: Twins) -> set[Capability]:
    return {c for c in Capability if isinstance(decide(twins.facts, twins.policy, c, twins.office.now), Open)}
