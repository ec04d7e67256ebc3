"""The decision table: from which state each verb leads to which verdict, and how each verdict is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from contracts.decisions import (
    ApprovePartner,
    Decide,
    DecisionFact,
    PartnerApproved,
    PartnerInfoRequested,
    PartnerReinstated,
    PartnerRejected,
    PartnerSuspended,
    ReinstatePartner,
    RejectPartner,
    RequestInfo,
    Verdict,
)
from contracts.message import Actor
from contracts.partners import PartnerState
from contracts.reasons import REASONS
from services.partners.partner import Partner

_S, _V = PartnerState, Verdict


class Verb(NamedTuple):
    """The verdict that results in each state a verb is allowed in; `shared`: two must agree where the rules want it."""

    verdicts: Mapping[PartnerState, Verdict]
    shared: bool = False


VERBS: dict[type[Decide], Verb] = {
    ApprovePartner: Verb({_S.PENDING_REVIEW: _V.APPROVED, _S.APPROVED: _V.APPROVED}, shared=True),
    RejectPartner: Verb({_S.PENDING_REVIEW: _V.REJECTED, _S.INFO_REQUESTED: _V.REJECTED, _S.APPROVED: _V.SUSPENDED}),
    RequestInfo: Verb({_S.PENDING_REVIEW: _V.INFO_REQUESTED}),
    ReinstatePartner: Verb({_S.SUSPENDED: _V.REINSTATED}, shared=True),
}
LEADS_TO: dict[Verdict, PartnerState] = {
    _V.APPROVED: _S.APPROVED,
    _V.REJECTED: _S.REJECTED,
    _V.INFO_REQUESTED: _S.INFO_REQUESTED,
    _V.SUSPENDED: _S.SUSPENDED,
    _V.REINSTATED: _S.APPROVED,
}
TOLD_AS: dict[Verdict, tuple[type[DecisionFact], ...]] = {
    _V.APPROVED: (PartnerApproved,),
    _V.REJECTED: (PartnerRejected,),
    _V.INFO_REQUESTED: (PartnerInfoRequested,),
    _V.SUSPENDED: (PartnerRejected, PartnerSuspended),
    _V.REINSTATED: (PartnerReinstated,),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One decision that is asked for: what it would result in now, and whether two must agree on it."""

    partner: Partner
    command: Decide
    actor: Actor
    verdict: Verdict | None
    shared: bool

    @classmethod
    def of(cls, partner: Partner, command: Decide, actor: Actor, approvals_required: int) -> "Case":
        verb = VERBS[type(command)]
        return cls(partner, command, actor, _verdict(partner, command), verb.shared and approvals_required > 1)

    @property
    def result(self) -> Verdict:
        """The verdict of a case that nothing speaks against."""
        if self.verdict is None:
            raise ValueError(f"nothing results from {self.command.type} while the partner is {self.partner.state}")
        return self.verdict

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reason codes that may explain what results (K5), or in a wrong state what could have."""
        verb = VERBS[type(self.command)]
        possible = frozenset({self.verdict} if self.verdict else verb.verdicts.values())
        return tuple(code for code, reason in REASONS.items() if reason.verdicts & possible)


def _verdict(partner: Partner, command: Decide) -> Verdict | None:
    """An approval in force is decided anew only once the dossier has changed (K8)."""
    unchanged = partner.approved_dossier_version == partner.dossier_version
    if isinstance(command, ApprovePartner) and unchanged:
        return None
    return VERBS[type(command)].verdicts.get(partner.state)
