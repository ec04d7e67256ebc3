"""Adding people to a staff: one in one call, many at once, or a plan of what a call would do."""

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, JsonValue

from contracts.message import Contract, Query
from contracts.staffing import QUERIES, BranchIds, ProvisioningOutcome, RawName, RawPhone, RoleKey, TenantCommand


class Notify(StrEnum):
    SMS = "sms"
    NONE = "none"


class IfExists(StrEnum):
    """What to do with somebody who is on the staff with other facts: refuse with a diff, or change them (S2.34)."""

    REFUSE = "refuse"
    UPDATE = "update"


class Person(Contract):
    """Who is to be added, and as what.

    Phone, name, role and branches are loose here because their own codes say what is wrong with them.
    """

    phone: RawPhone
    display_name: RawName
    role_key: RoleKey
    branch_ids: BranchIds
    notify: Annotated[Notify, Field(strict=False)] = Notify.NONE


class ProvisionStaff(TenantCommand, Person):
    """Add a person to the staff: identity, membership, profile and branches in one call (S2.1-S2.6).

    `plan` is the ETag of a `Plan`: the call then does exactly that, or answers 412.
    """

    type: ClassVar[str] = "staff.provision"
    version: ClassVar[int] = 2

    if_exists: Annotated[IfExists, Field(strict=False)] = IfExists.REFUSE
    plan: Annotated[str, Field(max_length=80)] | None = None


class PlanStaff(Query, Person):
    """What the same call would do now, refusals included, without doing it (`dry_run=true`)."""

    type: ClassVar[str] = "staff.plan"
    topic: ClassVar[str] = QUERIES

    tenant_id: UUID
    if_exists: Annotated[IfExists, Field(strict=False)] = IfExists.REFUSE


class PlannedEvent(Contract):
    """One event that the call would emit in the tenant; ids that are not there yet are left out of `data`.

    Events of the person's identity are not among them: they would tell whether the phone was known (S2.7).
    """

    type: str
    data: dict[str, JsonValue]


class Plan(Contract):
    """`status` and `outcome` of the answer that the call would get; its ETag holds as long as this does."""

    status: int
    outcome: ProvisioningOutcome
    events: tuple[PlannedEvent, ...]


class BulkMode(StrEnum):
    ATOMIC = "atomic"
    PER_ROW = "per_row"


class BulkRow(Person):
    """`key` names the row for ever within its tenant: sent again, it is answered as before and done once."""

    key: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$")]


class BulkProvision(TenantCommand):
    """Add up to 1,000 people; `atomic`: all or nobody, `per_row`: each good row (P7)."""

    type: ClassVar[str] = "staff.bulk"

    mode: Annotated[BulkMode, Field(strict=False)]
    rows: Annotated[tuple[BulkRow, ...], Field(min_length=1, max_length=1000, strict=False)]
    if_exists: Annotated[IfExists, Field(strict=False)] = IfExists.REFUSE


class BulkResult(Contract):
    """What became of one row; `code` and `errors` (pointers into the row) where it was refused."""

    key: str
    status: int
    outcome: ProvisioningOutcome | None = None
    account_id: UUID | None = None
    code: str | None = None
    detail: str | None = None
    errors: tuple[dict[str, JsonValue], ...] = ()


class BulkView(Contract):
    """One result a row, in the order of the request; `created` counts those of this call."""

    mode: BulkMode
    created: int
    results: tuple[BulkResult, ...]
