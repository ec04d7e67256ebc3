"""Changes of somebody who is on the staff already: role, kind, branches, the end of their membership.

Each names the version that was seen (`If-Match`). Add, remove and replace of branches are three things: an add never
takes away, a replace says what it takes (P6).
"""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.message import Contract, Target
from contracts.roles import Role
from contracts.staffing import BranchIds, MembershipKind, RoleKey, StaffingCommand, StaffView, TenantCommand
from contracts.text import Prose

Reason = Annotated[Prose, Field(max_length=200)]


class MemberCommand(TenantCommand):
    account_id: UUID
    expected_version: Annotated[int, Field(ge=1)]

    def targets(self) -> tuple[Target, ...]:
        return (*TenantCommand.targets(self), Target(type="account", id=str(self.account_id)))


class ChangeRole(MemberCommand):
    """Give a member another role; an owner's is not changed this way (`CANNOT_DEMOTE_OWNER_ROLE`)."""

    type: ClassVar[str] = "staff.change_role"

    role_key: RoleKey


class ChangeKind(MemberCommand):
    """Make a member an owner, or an owner a member; only for owners, and never the last one away."""

    type: ClassVar[str] = "staff.change_kind"

    kind: Annotated[MembershipKind, Field(strict=False)]


class AddBranches(MemberCommand):
    """Give access to more branches; those they have stay."""

    type: ClassVar[str] = "branch_access.add"

    branch_ids: BranchIds
    reason: Reason = ""


class ReplaceBranches(MemberCommand):
    """Give access to exactly these branches; an empty list takes all away."""

    type: ClassVar[str] = "branch_access.replace"

    branch_ids: BranchIds
    reason: Reason = ""


class RemoveBranch(MemberCommand):
    """Take away access to one branch."""

    type: ClassVar[str] = "branch_access.remove"

    branch_id: UUID


class RevokeStaff(MemberCommand):
    """End a membership: branches go, sessions die, the next request is refused (P3)."""

    type: ClassVar[str] = "staff.revoke"

    reason: Reason = ""


class LeaveTenant(TenantCommand):
    """End one's own membership; the last owner cannot (P11)."""

    type: ClassVar[str] = "membership.leave"


class BranchesDiff(Contract):
    added: tuple[UUID, ...]
    removed: tuple[UUID, ...]


class BranchesView(StaffView):
    """The person as they stand now, and what this call changed."""

    diff: BranchesDiff


class AccountCommand(StaffingCommand):
    """About one person in all tenants; only for allowlisted root admins."""

    roles: ClassVar[frozenset[Role]] = frozenset({Role.ROOT_ADMIN})

    account_id: UUID

    def key(self) -> str:
        return str(self.account_id)

    def targets(self) -> tuple[Target, ...]:
        return (Target(type="account", id=str(self.account_id)),)


class DisableAccount(AccountCommand):
    """Shut a person out of every tenant, sessions included; memberships stay."""

    type: ClassVar[str] = "account.disable"

    reason: Reason = ""


class EnableAccount(AccountCommand):
    """Undo it; they log in anew."""

    type: ClassVar[str] = "account.enable"


class AccountView(Contract):
    account_id: UUID
    disabled: bool
    version: int
