"""Two approvers (K7): the first agreement is a proposal, the second one decides.

A proposal lapses when the evidence changes, when its author is no longer allowlisted at the moment that counts, and
when the case is decided without it. Reinstating needs two as well, or reject and reinstate would get round them.
"""

from datetime import datetime

from uuid_utils.compat import uuid7

from contracts.decisions import PartnerApprovalProposed, PartnerProposalLapsed
from contracts.message import Actor, ActorType
from services.chassis import Fact
from services.partners.decisions.verbs import Case
from services.partners.partner import Partner, person_of
from services.partners.records import Proposal
from services.wire.allowlist import Allowlist


def propose(case: Case, at: datetime) -> Fact:
    """The state stays; only the proposal is new."""
    partner, command = case.partner, case.command
    issuer, subject = person_of(case.actor)
    proposal = partner.proposal = Proposal(
        id=uuid7(),
        partner_id=partner.id,
        verdict=case.result,
        dossier_version=command.dossier_version,
        notes=command.notes,
        internal_notes=command.internal_notes,
        reason_code=command.reason_code,
        evidence=command.evidence,
        proposed_by_issuer=issuer,
        proposed_by=subject,
        proposed_at=at,
    )
    return partner.record(
        PartnerApprovalProposed(
            proposal_id=proposal.id,
            verdict=proposal.verdict.value,
            notes=proposal.notes,
            reason_code=proposal.reason_code,
            dossier_version=proposal.dossier_version,
        )
    )


def lapse(partner: Partner, why: str, at: datetime) -> Fact:
    """Close the open proposal without effect."""
    if partner.proposal is None:
        raise ValueError("no proposal is open")
    proposal, partner.proposal = partner.proposal, None
    proposal.close("LAPSED", at)
    return partner.record(PartnerProposalLapsed(proposal_id=proposal.id, why=why))


def take(case: Case, at: datetime) -> Proposal | None:
    """Close somebody else's open proposal of this verdict as the first of two agreements."""
    proposal = case.partner.proposal
    if proposal is None or proposal.verdict is not case.result or proposal.author == person_of(case.actor):
        return None
    case.partner.proposal = None
    proposal.close("TAKEN", at)
    return proposal


def author_still_counts(proposal: Proposal, root_admins: Allowlist) -> bool:
    issuer, subject = proposal.author
    return root_admins.allows(Actor(type=ActorType.USER, issuer=issuer, subject=subject))
