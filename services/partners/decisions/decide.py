"""A decision of root admins: what it makes of the partner, and the row and the facts it leaves behind.

Nothing but this puts a partner into APPROVED, so there is no way there without a row in `partner_approvals`.
"""

from dataclasses import dataclass, field
from typing import Any

from uuid_utils.compat import uuid7

from contracts.decisions import RequestInfo, Verdict
from contracts.partners import PartnerState
from contracts.reasons import REASONS
from services.chassis import Call, Fact, Refusal
from services.partners.decisions.objections import first_objection
from services.partners.decisions.proposals import author_still_counts, lapse, propose, take
from services.partners.decisions.verbs import LEADS_TO, TOLD_AS, Case
from services.partners.partner import person_of
from services.partners.records import Approval, Proposal
from services.wire.allowlist import Allowlist


@dataclass(slots=True)
class Decided:
    """What a decision changed, to be written; without an approval it was the first of two agreements."""

    facts: list[Fact] = field(default_factory=list)
    approval: Approval | None = None
    closed: Proposal | None = None


def decide(case: Case, call: Call, root_admins: Allowlist) -> Decided | Refusal:
    """The verdict put into force, or a proposal of it, or why not; the caller is allowlisted."""
    refused = first_objection(case)
    if refused:
        return refused
    partner, decided = case.partner, Decided()
    at = partner.moved(call)
    if partner.proposal and not author_still_counts(partner.proposal, root_admins):
        decided.closed = partner.proposal
        decided.facts.append(lapse(partner, "AUTHOR_NOT_ALLOWED", at))
    if case.shared and partner.proposal is None:
        decided.facts.append(propose(case, at))
        return decided
    first = take(case, at)
    before = partner.state
    _put_into_force(case)
    decided.approval = _approval(case, first)
    decided.facts += _facts(case, decided.approval, before)
    decided.closed = first or partner.proposal or decided.closed
    if partner.proposal:
        decided.facts.append(lapse(partner, "DECIDED_OTHERWISE", at))
    return decided


def _put_into_force(case: Case) -> None:
    """An approval is stamped by whatever leads to APPROVED and cleared by everything else (S1.25, S1.26)."""
    partner, command = case.partner, case.command
    partner.state = LEADS_TO[case.result]
    approved = partner.state is PartnerState.APPROVED
    partner.approved_at = partner.updated_at if approved else None
    partner.approved_by = case.actor.subject if approved else None
    partner.approved_dossier_version = command.dossier_version if approved else None
    partner.rereview_due_at = None
    partner.fields_requested = tuple(dict.fromkeys(command.fields)) if isinstance(command, RequestInfo) else ()
    reason = REASONS.get(command.reason_code or "")
    partner.rejected_final = case.result is Verdict.REJECTED and reason is not None and reason.final


def _approval(case: Case, first: Proposal | None) -> Approval:
    partner, command = case.partner, case.command
    issuer, subject = person_of(case.actor)
    return Approval(
        id=uuid7(),
        partner_id=partner.id,
        decision=case.result,
        notes=command.notes,
        internal_notes=command.internal_notes,
        reason_code=command.reason_code,
        dossier_version=command.dossier_version,
        evidence=command.evidence,
        fields=partner.fields_requested,
        decided_by_issuer=issuer,
        decided_by=subject,
        decided_at=partner.updated_at,
        proposed_by_issuer=first.proposed_by_issuer if first else None,
        proposed_by=first.proposed_by if first else None,
    )


def _facts(case: Case, approval: Approval, before: PartnerState) -> list[Fact]:
    """Internal notes are in no event (K4)."""
    told: dict[str, Any] = {
        "approval_id": approval.id,
        "notes": approval.notes,
        "reason_code": approval.reason_code,
        "dossier_version": approval.dossier_version,
        "previous_state": before,
        "state": case.partner.state,
        "approved_at": approval.decided_at,
        "fields": approval.fields,
    }
    kinds = TOLD_AS[case.result]
    return [case.partner.record(kind(**{name: told[name] for name in kind.model_fields})) for kind in kinds]
