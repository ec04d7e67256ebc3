"""How things stood at an instant of the past, answered from the log alone (A14).

An instant is a time of recording, which never goes back along the log (A16): the answer counts every event recorded at
or before `as_of` and no other. Facts that are in no event (names and phones of people, internal notes, who uploaded a
document) are in no answer. A moment inside an answer (`since`, `decided_at`, …) is the one its event names.
"""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field

from contracts.audit import QUERIES, Instant
from contracts.decisions import Verdict
from contracts.message import Contract, Query
from contracts.partners import PartnerState
from contracts.staffing import MembershipKind, Standing, Status


class AsOf(Query):
    """NOT_FOUND where nothing was recorded of it yet; an instant to come is answered with what is known so far.

    AUDIT_RANGE_INVALID where retention has purged events that the answer would be made of.
    """

    topic: ClassVar[str] = QUERIES

    as_of: Instant


class GetPartnerAsOf(AsOf):
    """A partner's state, dossier and decisions."""

    type: ClassVar[str] = "audit.partner_as_of"

    partner_id: UUID


class GetRosterAsOf(AsOf):
    """Who might act for a partner and who had left; `starting_after` is the number of a stay."""

    type: ClassVar[str] = "audit.roster_as_of"

    partner_id: UUID
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    starting_after: Annotated[int, Field(ge=0, lt=2**31)] | None = None


class GetMembershipAsOf(AsOf):
    """What somebody was in a tenant, and the branches they had access to."""

    type: ClassVar[str] = "audit.membership_as_of"

    membership_id: UUID


class GetBranchAccessAsOf(AsOf):
    """Who had access to a branch; `starting_after` is the id of a membership, which is the order they joined in."""

    type: ClassVar[str] = "audit.branch_access_as_of"

    branch_id: UUID
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    starting_after: UUID | None = None


class _View(Contract):
    """Made from stored events, which may be newer or older than this contract: fields it does not know are left out."""

    model_config = ConfigDict(extra="ignore", strict=False)


class Known(_View):
    """What the answer rests on.

    `position` and `recorded_at` are those of the last event considered, `checkpoint_size` is that of the signed
    checkpoint that covers all that was recorded by then. `final` says that the log has gone on since, so that nothing
    can be recorded at or before `as_of` any more and the answer is the same for ever. `waiting` counts events that were
    recorded before one that they follow on: topics are read side by side, and an answer has no holes.
    """

    as_of: datetime
    position: int
    recorded_at: datetime
    checkpoint_size: int
    final: bool
    waiting: int


class PersonAsOf(_View):
    issuer: str | None
    subject: str


class DocumentAsOf(_View):
    kind: str
    object_key: str
    size: int
    sha256: str
    version_id: str


class DecisionAsOf(_View):
    """`proposed_by` agreed first, where two had to."""

    approval_id: UUID
    verdict: Verdict
    notes: str
    reason_code: str | None
    dossier_version: int
    fields: tuple[str, ...] = ()
    decided_by: PersonAsOf
    decided_at: datetime
    proposed_by: PersonAsOf | None = None


class ProposalAsOf(_View):
    """Somebody had agreed, and nobody else yet (K7)."""

    proposal_id: UUID
    verdict: Verdict
    notes: str
    reason_code: str | None
    dossier_version: int
    proposed_by: PersonAsOf
    proposed_at: datetime


class ReviewAsOf(_View):
    """Rounds count from 1; `paused` while the partner was asked for more. When it is due is in no event."""

    round: int
    paused: bool
    closed: bool
    warned: bool
    breached: bool


class PartnerAsOf(_View):
    """`decision` is the one in force, if any; `decisions` are the newest of `decisions_in_all`, oldest first."""

    known: Known
    partner_id: UUID
    version: int
    name: str
    legal_name: str
    state: PartnerState
    since: datetime
    submitted_at: datetime
    dossier_version: int
    documents: tuple[DocumentAsOf, ...]
    approved_at: datetime | None
    approved_by: PersonAsOf | None
    approved_dossier_version: int | None
    rereview_due_at: datetime | None
    fields_requested: tuple[str, ...]
    decision: DecisionAsOf | None
    decisions: tuple[DecisionAsOf, ...]
    decisions_in_all: int
    proposal: ProposalAsOf | None
    review: ReviewAsOf


class StayAsOf(PersonAsOf):
    """One stay of one person in a roster, `number` from 0; who comes back has another.

    `deactivated_at`: the identity provider had shut them out, or did not know them (`known_to_provider` is false).
    """

    number: int
    role: str
    status: str
    since: datetime
    removed_at: datetime | None
    deactivated_at: datetime | None
    known_to_provider: bool | None


class RosterAsOf(_View):
    known: Known
    partner_id: UUID
    version: int
    data: tuple[StayAsOf, ...]
    has_more: bool


class PeriodAsOf(_View):
    since: datetime
    until: datetime | None


class AssignmentAsOf(_View):
    """The first version of the event did not name the assignment."""

    assignment_id: UUID | None = None
    branch_id: UUID
    since: datetime
    assigned_by: str
    reason: str


class MembershipAsOf(_View):
    """`branches` are those they had; whether a branch or the tenant was frozen is asked of the branch."""

    known: Known
    membership_id: UUID
    version: int
    tenant_id: UUID
    account_id: UUID
    kind: MembershipKind
    role_key: str
    status: Standing
    periods: tuple[PeriodAsOf, ...]
    branches: tuple[AssignmentAsOf, ...]


class AccessAsOf(_View):
    """Somebody had access to the branch: by which assignment, and as what.

    `role_key` is None where a change of it may have been purged.
    """

    account_id: UUID
    membership_id: UUID
    assignment_id: UUID | None
    kind: MembershipKind
    role_key: str | None
    since: datetime
    assigned_by: str
    reason: str


class BranchAccessAsOf(_View):
    """A freeze takes no assignment away, but nobody works in a frozen branch or tenant.

    `tenant_status` is None while nothing was recorded of the tenant, or once all of it was purged.
    """

    known: Known
    branch_id: UUID
    tenant_id: UUID
    name: str
    status: Status
    tenant_status: Status | None
    data: tuple[AccessAsOf, ...]
    has_more: bool
