"""What stands in the way of a partner, now. The single source of truth: gate, requirements and explanation read this.

A capability is open exactly when no obstacle closes it. Time alone only ever adds to what is closed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from contracts.failures import Code
from contracts.gate import Capability, RequirementCode, Who
from contracts.partners import PartnerState
from services.partners.gate.facts import DOSSIER, Facts, Policy

ALL = frozenset(Capability)
MINT = frozenset({Capability.VOUCHER_MINT})
FIELDS = {kind: f"/{kind}_object_key" for kind in DOSSIER}

_R = RequirementCode


@dataclass(frozen=True, slots=True)
class Rule:
    """What is the same for every obstacle of one code: who may mend it, what it closes, what a caller is told.

    `action` is the next step, for the partner; `{at}` becomes the fields that are meant.
    """

    who: Who
    failure: Code
    action: str
    closes: frozenset[Capability] = ALL
    is_error: bool = False


RULES: dict[RequirementCode, Rule] = {
    _R.REVIEW_PENDING: Rule(Who.ROOT_ADMIN, Code.PARTNER_NOT_APPROVED, "Wait for the review of the dossier."),
    _R.SECOND_APPROVAL_PENDING: Rule(Who.ROOT_ADMIN, Code.PARTNER_NOT_APPROVED, "Wait for the second approver."),
    _R.INFO_REQUESTED: Rule(Who.PARTNER, Code.PARTNER_NOT_APPROVED, "Answer what was asked for{at}."),
    _R.REJECTED: Rule(Who.PARTNER, Code.PARTNER_NOT_APPROVED, "File a new dossier."),
    _R.REJECTED_FINAL: Rule(
        Who.ROOT_ADMIN, Code.PARTNER_NOT_APPROVED, "Nothing can be done: the rejection is final.", is_error=True
    ),
    _R.SUSPENDED: Rule(Who.ROOT_ADMIN, Code.PARTNER_NOT_APPROVED, "Ask for reinstatement."),
    _R.REREVIEW_PENDING: Rule(Who.ROOT_ADMIN, Code.DOSSIER_EXPIRED, "Wait for the re-review of the dossier.", MINT),
    _R.REREVIEW_OVERDUE: Rule(Who.ROOT_ADMIN, Code.DOSSIER_EXPIRED, "Ask for the overdue re-review of the dossier."),
    _R.DOCUMENT_MISSING: Rule(Who.PARTNER, Code.DOSSIER_EXPIRED, "Upload a current document{at}."),
    _R.DOCUMENT_EXPIRED: Rule(Who.PARTNER, Code.DOSSIER_EXPIRED, "Upload a current document{at}."),
    _R.CONTACT_MISSING: Rule(Who.ROOT_ADMIN, Code.PARTNER_NOT_APPROVED, "Ask for a contact to be named."),
}


class Obstacle(NamedTuple):
    """One thing in the way. `field` is a JSON Pointer or empty; at `deadline` it began to close, or will close more."""

    code: RequirementCode
    detail: str
    field: str = ""
    deadline: datetime | None = None

    @property
    def who(self) -> Who:
        return RULES[self.code].who

    @property
    def closes(self) -> frozenset[Capability]:
        return RULES[self.code].closes

    @property
    def is_error(self) -> bool:
        return RULES[self.code].is_error

    @property
    def failure(self) -> Code:
        return RULES[self.code].failure


FINAL = Obstacle(_R.REJECTED_FINAL, "The application was rejected for good.")
REJECTED = Obstacle(_R.REJECTED, "The application was rejected; a new dossier reopens it.")
NOBODY = Obstacle(_R.CONTACT_MISSING, "The partner has no active contact.", "/contacts")


def obstacles(facts: Facts, policy: Policy, now: datetime) -> tuple[Obstacle, ...]:
    """Everything in the way: the state first, then documents, then people (K1)."""
    if facts.rejected_final:
        return (FINAL,)
    found = [*_OF_STATE[facts.state](facts, policy, now), *_of_documents(facts, policy, now)]
    return (*found, NOBODY) if facts.active_contacts < 1 else tuple(found)


def _approved(facts: Facts, policy: Policy, now: datetime) -> Sequence[Obstacle]:
    """K8: the approval stands while its dossier is looked at again; strict closes mint at once, late closes all."""
    if not facts.rereview_open:
        return ()
    due, version = facts.rereview_due_at, facts.dossier_version
    if due is None or now >= due:
        return (Obstacle(_R.REREVIEW_OVERDUE, f"Version {version} of the dossier was not reviewed in time.", "", due),)
    if policy.strict:
        return (Obstacle(_R.REREVIEW_PENDING, f"Version {version} of the dossier is not reviewed yet.", "", due),)
    return ()


def _pending(facts: Facts, policy: Policy, _: datetime) -> Sequence[Obstacle]:
    version = facts.dossier_version
    if _half_agreed(facts, policy):
        return (Obstacle(_R.SECOND_APPROVAL_PENDING, f"One of two root admins has approved version {version}."),)
    return (Obstacle(_R.REVIEW_PENDING, f"Version {version} of the dossier waits for its review."),)


def _info_requested(facts: Facts, _: Policy, __: datetime) -> Sequence[Obstacle]:
    asked = "The reviewers asked for more before they decide."
    return [Obstacle(_R.INFO_REQUESTED, asked, field) for field in facts.fields_requested or ("",)]


def _rejected(_: Facts, __: Policy, ___: datetime) -> Sequence[Obstacle]:
    return (REJECTED,)


def _suspended(facts: Facts, policy: Policy, _: datetime) -> Sequence[Obstacle]:
    half = " One of two root admins has agreed to lift it." if _half_agreed(facts, policy) else ""
    return (Obstacle(_R.SUSPENDED, f"The partner is suspended.{half}"),)


_OF_STATE: dict[PartnerState, Callable[[Facts, Policy, datetime], Sequence[Obstacle]]] = {
    PartnerState.PENDING_REVIEW: _pending,
    PartnerState.INFO_REQUESTED: _info_requested,
    PartnerState.APPROVED: _approved,
    PartnerState.REJECTED: _rejected,
    PartnerState.SUSPENDED: _suspended,
}


def _half_agreed(facts: Facts, policy: Policy) -> bool:
    return 0 < facts.proposals < policy.approvals_required


def _of_documents(facts: Facts, policy: Policy, now: datetime) -> Iterator[Obstacle]:
    ages, too_old = dict(facts.documents), now - policy.document_max_age
    for kind in DOSSIER:
        uploaded_at = ages.get(kind)
        if uploaded_at is None:
            yield Obstacle(_R.DOCUMENT_MISSING, f"The dossier has no {kind} document.", FIELDS[kind])
        elif uploaded_at <= too_old:
            expired_at = uploaded_at + policy.document_max_age
            yield Obstacle(_R.DOCUMENT_EXPIRED, f"The {kind} document is too old.", FIELDS[kind], expired_at)
