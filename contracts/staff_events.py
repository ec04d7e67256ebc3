"""What the staffing service tells of tenants, branches and staff.

Events name accounts, memberships and branches by id; names and phone numbers are sealed (`personal`).
Memberships and branch access can be rebuilt from these events alone.
"""

from typing import ClassVar
from uuid import UUID

from contracts.message import CommandRefused, EventData
from contracts.personal import SealedText
from contracts.staffing import MembershipKind, ProvisioningOutcome, RoleView


class TenantFact(EventData):
    tenant_id: UUID


class TenantCreated(TenantFact):
    """`roles` is the registry that the tenant begins with, highest level first; version 1 did not say it."""

    type: ClassVar[str] = "tenant.created"
    version: ClassVar[int] = 2

    name: str
    region: str
    owner_account_id: UUID
    roles: tuple[RoleView, ...]


class TenantFrozen(TenantFact):
    type: ClassVar[str] = "tenant.frozen"


class TenantActivated(TenantFact):
    type: ClassVar[str] = "tenant.activated"


class BranchFact(TenantFact):
    branch_id: UUID


class BranchCreated(BranchFact):
    type: ClassVar[str] = "branch.created"

    name: str


class BranchFrozen(BranchFact):
    type: ClassVar[str] = "branch.frozen"


class BranchActivated(BranchFact):
    type: ClassVar[str] = "branch.activated"


class MembershipFact(TenantFact):
    account_id: UUID
    membership_id: UUID


class MembershipGranted(MembershipFact):
    type: ClassVar[str] = "membership.granted"

    membership_kind: MembershipKind
    role_key: str


class StaffProvisioned(MembershipFact):
    """`previous_display_name` is what the tenant called somebody who has come back."""

    type: ClassVar[str] = "staff.provisioned"
    version: ClassVar[int] = 2

    membership_kind: MembershipKind
    role_key: str
    branch_ids: tuple[UUID, ...]
    outcome: ProvisioningOutcome
    display_name: SealedText
    previous_display_name: SealedText | None = None


class StaffRenamed(MembershipFact):
    """The tenant calls this person something else."""

    type: ClassVar[str] = "staff.renamed"
    version: ClassVar[int] = 2

    display_name: SealedText
    previous_display_name: SealedText


class MembershipRoleChanged(MembershipFact):
    type: ClassVar[str] = "membership.role_changed"

    role_key: str
    previous_role_key: str


class MembershipKindChanged(MembershipFact):
    type: ClassVar[str] = "membership.kind_changed"

    membership_kind: MembershipKind
    previous_kind: MembershipKind


class MembershipRevoked(MembershipFact):
    """`left`: by the person. Their sessions are over; `branch_access.removed` follows for each branch."""

    type: ClassVar[str] = "membership.revoked"

    left: bool
    reason: str


class BranchAccessGranted(MembershipFact):
    type: ClassVar[str] = "branch_access.granted"
    version: ClassVar[int] = 2

    assignment_id: UUID
    branch_id: UUID
    reason: str


class BranchAccessRemoved(MembershipFact):
    type: ClassVar[str] = "branch_access.removed"

    assignment_id: UUID
    branch_id: UUID
    reason: str


class RoleDefined(TenantFact):
    type: ClassVar[str] = "role.defined"

    role_key: str
    level: int
    permissions: tuple[str, ...]


class RoleRemoved(TenantFact):
    type: ClassVar[str] = "role.removed"

    role_key: str


class QuotasSet(TenantFact):
    type: ClassVar[str] = "tenant.quotas_set"

    staff: int
    branches: int
    role_keys: int


class StaffCommandRefused(CommandRefused):
    type: ClassVar[str] = "staff.refused"
