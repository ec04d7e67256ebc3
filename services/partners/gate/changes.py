"""What can be done for a partner that is closed, and what each change makes of the facts.

A model of the aggregate: `apply` does to the facts what the command would do to the partner, and gives None where the
aggregate would refuse. Decisions that close (reject, request-info) are left out: they open nothing.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from contracts.gate import RequirementCode, Who
from contracts.partners import DocumentKind, PartnerState
from services.partners.gate.facts import DOSSIER, Facts, Policy
from services.partners.gate.obstacles import FIELDS, Obstacle

_S = PartnerState
_R = RequirementCode
_DOCUMENTS = frozenset({_R.DOCUMENT_MISSING, _R.DOCUMENT_EXPIRED})
_REOPENED_BY_FILING = frozenset({_S.INFO_REQUESTED, _S.REJECTED})


class Change(StrEnum):
    """In the order in which they are preferred where several would do: what was asked for comes first."""

    FILE_NEW_DOSSIER = "file_new_dossier"
    ANSWER_FIELDS = "answer_fields"
    UPLOAD_KYB = "upload_kyb"
    UPLOAD_LICENSING = "upload_licensing"
    NAME_CONTACT = "name_contact"
    APPROVE = "approve"
    SECOND_APPROVE = "second_approve"
    REINSTATE = "reinstate"
    SECOND_REINSTATE = "second_reinstate"

    @property
    def who(self) -> tuple[Who, ...]:
        """Who may make it: contacts file, and root admins for them; only root admins decide."""
        return (Who.PARTNER, Who.ROOT_ADMIN) if self in _FILINGS else (Who.ROOT_ADMIN,)


_FILINGS = frozenset({Change.FILE_NEW_DOSSIER, Change.ANSWER_FIELDS, Change.UPLOAD_KYB, Change.UPLOAD_LICENSING})
_UPLOADS = {Change.UPLOAD_KYB: DocumentKind.KYB, Change.UPLOAD_LICENSING: DocumentKind.LICENSING}

_CURES: dict[RequirementCode, tuple[Change, ...]] = {
    _R.REVIEW_PENDING: (Change.APPROVE,),
    _R.SECOND_APPROVAL_PENDING: (Change.SECOND_APPROVE,),
    _R.INFO_REQUESTED: (Change.ANSWER_FIELDS,),
    _R.REJECTED: (Change.FILE_NEW_DOSSIER,),
    _R.REJECTED_FINAL: (),
    _R.SUSPENDED: (Change.REINSTATE, Change.SECOND_REINSTATE),
    _R.REREVIEW_PENDING: (Change.APPROVE, Change.SECOND_APPROVE),
    _R.REREVIEW_OVERDUE: (Change.APPROVE, Change.SECOND_APPROVE),
    _R.CONTACT_MISSING: (Change.NAME_CONTACT,),
}
_CURES_OF_DOCUMENTS = {FIELDS[kind]: (change,) for change, kind in _UPLOADS.items()}


def cures(obstacle: Obstacle) -> tuple[Change, ...]:
    """The changes that are made because of this obstacle."""
    return _CURES_OF_DOCUMENTS[obstacle.field] if obstacle.code in _DOCUMENTS else _CURES[obstacle.code]


def apply(facts: Facts, change: Change, policy: Policy, now: datetime) -> Facts | None:
    """The facts after this change at this moment; None where it is not allowed."""
    return None if facts.rejected_final else _MOVES[change](facts, change, policy, now)


def _file_new_dossier(facts: Facts, _: Change, policy: Policy, now: datetime) -> Facts | None:
    return _filed(facts, DOSSIER, policy, now) if facts.state is _S.REJECTED else None


def _answer_fields(facts: Facts, _: Change, policy: Policy, now: datetime) -> Facts | None:
    return _filed(facts, (), policy, now) if facts.state is _S.INFO_REQUESTED else None


def _upload(facts: Facts, change: Change, policy: Policy, now: datetime) -> Facts | None:
    return _filed(facts, (_UPLOADS[change],), policy, now)


def _name_contact(facts: Facts, _: Change, policy: Policy, now: datetime) -> Facts | None:
    """Somebody who joins the roster makes a new dossier version, as a document does."""
    named = replace(facts, active_contacts=1) if facts.active_contacts < 1 else None
    return named and _filed(named, (), policy, now)


def _approve(facts: Facts, change: Change, policy: Policy, _: datetime) -> Facts | None:
    reviewable = facts.state is _S.PENDING_REVIEW or facts.rereview_open
    return _agreed(facts, policy, second=change is Change.SECOND_APPROVE) if reviewable else None


def _reinstate(facts: Facts, change: Change, policy: Policy, _: datetime) -> Facts | None:
    suspended = facts.state is _S.SUSPENDED
    return _agreed(facts, policy, second=change is Change.SECOND_REINSTATE) if suspended else None


def _filed(facts: Facts, kinds: tuple[DocumentKind, ...], policy: Policy, now: datetime) -> Facts:
    """A new dossier version: proposals lapse, a case that waited goes to review, an approval opens a re-review.

    The deadline of a re-review that is open already stays, so nobody pushes it forward by filing (K8); one that has
    none, which the aggregate never makes, gets none, so that filing opens nothing there.
    """
    due = facts.rereview_due_at
    if facts.state is _S.APPROVED and not facts.rereview_open:
        due = now + policy.rereview_window
    return replace(
        facts,
        state=_S.PENDING_REVIEW if facts.state in _REOPENED_BY_FILING else facts.state,
        dossier_version=facts.dossier_version + 1,
        documents=tuple((dict(facts.documents) | dict.fromkeys(kinds, now)).items()),
        rereview_due_at=due,
        fields_requested=(),
        proposals=0,
    )


def _agreed(facts: Facts, policy: Policy, *, second: bool) -> Facts | None:
    """One root admin agrees: that decides, or is the proposal that a second one must take up (K7)."""
    if second != (0 < facts.proposals < policy.approvals_required):
        return None
    if facts.proposals + 1 < policy.approvals_required:
        return replace(facts, proposals=1)
    version = facts.dossier_version
    return replace(facts, state=_S.APPROVED, approved_dossier_version=version, rereview_due_at=None, proposals=0)


_MOVES: dict[Change, Callable[[Facts, Change, Policy, datetime], Facts | None]] = {
    Change.FILE_NEW_DOSSIER: _file_new_dossier,
    Change.ANSWER_FIELDS: _answer_fields,
    Change.UPLOAD_KYB: _upload,
    Change.UPLOAD_LICENSING: _upload,
    Change.NAME_CONTACT: _name_contact,
    Change.APPROVE: _approve,
    Change.SECOND_APPROVE: _approve,
    Change.REINSTATE: _reinstate,
    Change.SECOND_REINSTATE: _reinstate,
}
