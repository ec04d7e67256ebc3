"""A partner as its events tell of it. Pure.

Two facts are in no event of their own and follow from the others: a second agreement takes the open proposal when it
is of the same verdict and somebody else's, and a round of review ends with a decision and begins with a dossier.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contracts.audit_as_of import DecisionAsOf, Known, PartnerAsOf, PersonAsOf, ProposalAsOf, ReviewAsOf
from contracts.decisions import (
    PartnerApprovalProposed,
    PartnerApproved,
    PartnerInfoRequested,
    PartnerProposalLapsed,
    PartnerReinstated,
    PartnerRejected,
    PartnerSuspended,
    Verdict,
)
from contracts.partner_events import PartnerDossierFiled, PartnerSubmitted
from contracts.partners import PartnerState
from contracts.reviews import PartnerReviewBreached, PartnerReviewWarned
from services.audit.as_of.told import Story, Told

DECISIONS_SHOWN = 100
_LEADS_TO = {
    Verdict.APPROVED: PartnerState.APPROVED,
    Verdict.REJECTED: PartnerState.REJECTED,
    Verdict.INFO_REQUESTED: PartnerState.INFO_REQUESTED,
    Verdict.SUSPENDED: PartnerState.SUSPENDED,
    Verdict.REINSTATED: PartnerState.APPROVED,
}


@dataclass(slots=True)
class Review:
    round: int = 1
    paused: bool = False
    closed: bool = False
    warned: bool = False
    breached: bool = False


@dataclass(slots=True)
class Partner:
    """`given` are the fields of the last dossier and decision as their events have them."""

    given: dict[str, Any] = field(default_factory=dict)
    state: str = ""
    since: datetime | None = None
    decisions: dict[str, DecisionAsOf] = field(default_factory=dict)
    proposal: ProposalAsOf | None = None
    review: Review = field(default_factory=Review)

    def become(self, state: str, at: datetime) -> None:
        if state != self.state:
            self.state, self.since = state, at

    @property
    def in_force(self) -> DecisionAsOf | None:
        """The last decision, until the partner has answered it."""
        last = next(reversed(self.decisions.values()), None)
        return last if last and _LEADS_TO[last.verdict] == self.state else None


def _submitted(partner: Partner, told: Told) -> None:
    unset = dict.fromkeys(("approved_at", "approved_by", "approved_dossier_version", "rereview_due_at"))
    partner.given = {**told.data, **unset, "submitted_at": told.at, "fields_requested": ()}
    partner.become(told.data["state"], told.at)


def _dossier_filed(partner: Partner, told: Told) -> None:
    partner.given |= {name: told.data[name] for name in ("dossier_version", "documents", "rereview_due_at")}
    if told.data["previous_state"] != told.data["state"]:
        partner.given["fields_requested"] = ()
    partner.become(told.data["state"], told.at)
    if partner.review.closed:
        partner.review = Review(partner.review.round + 1)
    partner.review.paused = False


def _decided(verdict: Verdict) -> Callable[[Partner, Told], None]:
    def decide(partner: Partner, told: Told) -> None:
        # an approved partner that is rejected is suspended, and both are told of the one decision
        suspends = verdict is Verdict.REJECTED and told.data["state"] == PartnerState.SUSPENDED
        _put_into_force(partner, told, Verdict.SUSPENDED if suspends else verdict)

    return decide


def _put_into_force(partner: Partner, told: Told, verdict: Verdict) -> None:
    approval, approved_at = told.data["approval_id"], told.data.get("approved_at")
    if approval not in partner.decisions:
        partner.decisions[approval] = _decision(told, verdict, _taken(partner, told, verdict))
    partner.given |= {
        "approved_at": approved_at,
        "approved_by": _person(told) if approved_at else None,
        "approved_dossier_version": told.data["dossier_version"] if approved_at else None,
        "rereview_due_at": None,
        "fields_requested": told.data.get("fields", ()),
    }
    partner.become(told.data["state"], told.at)
    asked = verdict is Verdict.INFO_REQUESTED
    partner.review.paused, partner.review.closed = asked, not asked


def _taken(partner: Partner, told: Told, verdict: Verdict) -> PersonAsOf | None:
    """Who agreed first, where this is the second of two agreements."""
    first = partner.proposal
    if first is None or first.verdict is not verdict or first.proposed_by == _person(told):
        return None
    partner.proposal = None
    return first.proposed_by


def _decision(told: Told, verdict: Verdict, proposed_by: PersonAsOf | None) -> DecisionAsOf:
    added = {"verdict": verdict, "decided_by": _person(told), "decided_at": told.at, "proposed_by": proposed_by}
    return DecisionAsOf.model_validate({**told.data, **added})


def _proposed(partner: Partner, told: Told) -> None:
    added = {"proposed_by": _person(told), "proposed_at": told.at}
    partner.proposal = ProposalAsOf.model_validate({**told.data, **added})


def _lapsed(partner: Partner, _: Told) -> None:
    partner.proposal = None


def _warned(partner: Partner, _: Told) -> None:
    partner.review.warned = True


def _breached(partner: Partner, _: Told) -> None:
    partner.review.breached = True


TELLS: dict[str, Callable[[Partner, Told], None]] = {
    PartnerSubmitted.type: _submitted,
    PartnerDossierFiled.type: _dossier_filed,
    PartnerApproved.type: _decided(Verdict.APPROVED),
    PartnerRejected.type: _decided(Verdict.REJECTED),
    PartnerSuspended.type: _decided(Verdict.SUSPENDED),
    PartnerInfoRequested.type: _decided(Verdict.INFO_REQUESTED),
    PartnerReinstated.type: _decided(Verdict.REINSTATED),
    PartnerApprovalProposed.type: _proposed,
    PartnerProposalLapsed.type: _lapsed,
    PartnerReviewWarned.type: _warned,
    PartnerReviewBreached.type: _breached,
}


def partner_of(story: Story, known: Known) -> PartnerAsOf:
    partner = story.fold(Partner(), TELLS)
    fields = {
        **partner.given,
        "known": known,
        "partner_id": story.id,
        "version": story.version,
        "state": partner.state,
        "since": partner.since,
        "decision": partner.in_force,
        "decisions": tuple(partner.decisions.values())[-DECISIONS_SHOWN:],
        "decisions_in_all": len(partner.decisions),
        "proposal": partner.proposal,
        "review": ReviewAsOf.model_validate(partner.review, from_attributes=True),
    }
    return PartnerAsOf.model_validate(fields)


def _person(told: Told) -> PersonAsOf:
    return PersonAsOf(issuer=told.actor["issuer"], subject=told.actor["subject"])
