"""Tenants, branches, staff and their credentials: what may be asked of the staffing service, and what it tells.

Shapes follow `api.md`. Events name accounts, memberships and branches by id only: phone numbers and display names
stay in the service. Passwords, codes and tokens travel sealed (`services.wire.sealing`), never in the clear.
"""

import hashlib
import unicodedata
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.message import Command, CommandRefused, Contract, EventData, Query, Target
from contracts.roles import Role
from contracts.text import Name

COMMANDS, CREDENTIALS, QUERIES = "staffing.commands", "staffing.credentials", "staffing.queries"

Region = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
RawPhone = Annotated[str, Field(max_length=64)]
RawName = Annotated[str, Field(max_length=1000)]
RoleKey = Annotated[str, Field(max_length=64)]
Secret = Annotated[str, Field(max_length=1024)]
Sealed = Annotated[str, Field(max_length=8192, pattern=r"^[A-Za-z0-9_-]+={0,2}$")]


class Status(StrEnum):
    """Of a tenant or a branch."""

    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"


class MembershipKind(StrEnum):
    """What someone is in a tenant; the role says what they do there (S2.12)."""

    OWNER = "OWNER"
    MEMBER = "MEMBER"


class Standing(StrEnum):
    """Of a membership or a staff profile."""

    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"


class Notify(StrEnum):
    SMS = "sms"
    NONE = "none"


class NotificationStatus(StrEnum):
    NONE = "none"
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class ProvisioningOutcome(StrEnum):
    CREATED = "created"
    UNCHANGED = "unchanged"
    UPDATED = "updated"
    REACTIVATED = "reactivated"


class Purpose(StrEnum):
    """What a sealed text is for; it opens for nothing else."""

    CODE = "code"
    PASSWORD = "password"
    SESSION = "session"


class StaffingCommand(Command):
    topic: ClassVar[str] = COMMANDS
    refused_as: ClassVar[str] = "staff.refused"


class Owner(Contract):
    phone: RawPhone
    display_name: RawName


class CreateTenant(StaffingCommand):
    """Open a tenant with its first owner; only for allowlisted root admins."""

    type: ClassVar[str] = "tenant.create"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.ROOT_ADMIN})

    name: Name
    region: Region
    owner: Owner

    def key(self) -> str:
        return ""


class TenantCommand(StaffingCommand):
    """About one tenant, which is the partition: what happens in it happens in order."""

    tenant_id: UUID

    def key(self) -> str:
        return str(self.tenant_id)

    def targets(self) -> tuple[Target, ...]:
        return (Target(type="tenant", id=str(self.tenant_id)),)


class FreezeTenant(TenantCommand):
    """Stop every change in a tenant; freezing a frozen one changes nothing."""

    type: ClassVar[str] = "tenant.freeze"


class ActivateTenant(TenantCommand):
    """Undo a freeze; activating an active tenant changes nothing."""

    type: ClassVar[str] = "tenant.activate"


class CreateBranch(TenantCommand):
    """Open a branch of an active tenant."""

    type: ClassVar[str] = "branch.create"

    name: Name


class BranchCommand(TenantCommand):
    branch_id: UUID

    def targets(self) -> tuple[Target, ...]:
        return (*TenantCommand.targets(self), Target(type="branch", id=str(self.branch_id)))


class FreezeBranch(BranchCommand):
    """Close a branch for new assignments and for work; freezing a frozen one changes nothing."""

    type: ClassVar[str] = "branch.freeze"


class ActivateBranch(BranchCommand):
    """Open a frozen branch again; activating an active one changes nothing."""

    type: ClassVar[str] = "branch.activate"


class ProvisionStaff(TenantCommand):
    """Add a person to the staff: identity, membership, profile and branches in one call (S2.1-S2.6).

    Phone, name, role and branches are loose here because their own codes say what is wrong with them.
    """

    type: ClassVar[str] = "staff.provision"

    phone: RawPhone
    display_name: RawName
    role_key: RoleKey
    branch_ids: Annotated[tuple[UUID, ...], Field(max_length=100, strict=False)]
    notify: Annotated[Notify, Field(strict=False)] = Notify.NONE


class CredentialCommand(Command):
    """About the person who holds a phone. `region` gives a national spelling its country code."""

    topic: ClassVar[str] = CREDENTIALS
    refused_as: ClassVar[str] = "staff.refused"

    phone: RawPhone
    region: Region | None = None

    def key(self) -> str:
        return phone_hash(self.phone)


def phone_hash(phone: str) -> str:
    """A partition key that puts no number in a header; order between spellings is kept by the database."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", phone) if c.isdigit())
    return hashlib.sha256(plain.encode()).hexdigest()


class RequestActivation(CredentialCommand):
    """Ask for a one-time code; the answer is the same whether or not the phone is known (P9)."""

    type: ClassVar[str] = "activation.request"


class VerifyActivation(CredentialCommand):
    """Prove possession of the phone and choose a password; both secrets travel sealed."""

    type: ClassVar[str] = "activation.verify"

    sealed_code: Sealed
    sealed_password: Sealed


class OpenSession(CredentialCommand):
    """Log in; the reply is a `SealedSession`."""

    type: ClassVar[str] = "session.open"

    sealed_password: Sealed


class Verification(Contract):
    """The HTTP body that becomes `VerifyActivation`."""

    phone: RawPhone
    region: Region | None = None
    code: Secret
    password: Secret


class Login(Contract):
    """The HTTP body that becomes `OpenSession`."""

    phone: RawPhone
    region: Region | None = None
    password: Secret


class SealedSession(Contract):
    """A `Session` that only the gateway can open."""

    sealed: str


class Session(Contract):
    """`expires_in` counts the seconds of the access token."""

    access_token: str
    refresh_token: str
    expires_in: int


class GetTenant(Query):
    """One tenant; its owners and admins, or a root admin."""

    type: ClassVar[str] = "tenant.get"
    topic: ClassVar[str] = QUERIES

    tenant_id: UUID


class ListBranches(Query):
    """A tenant's branches by id, oldest first; its owners and admins, or a root admin."""

    type: ClassVar[str] = "branch.list"
    topic: ClassVar[str] = QUERIES

    tenant_id: UUID
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    starting_after: UUID | None = None


class ListStaff(Query):
    """A tenant's staff in the order they came; its owners and admins. The cursor is an account id."""

    type: ClassVar[str] = "staff.list"
    topic: ClassVar[str] = QUERIES

    tenant_id: UUID
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    starting_after: UUID | None = None


class GetStaff(Query):
    """One person's facts in a tenant; its owners and admins."""

    type: ClassVar[str] = "staff.get"
    topic: ClassVar[str] = QUERIES

    tenant_id: UUID
    account_id: UUID


class RoleView(Contract):
    role_key: str
    level: int


class TenantView(Contract):
    id: UUID
    name: str
    region: str
    status: Status
    roles: tuple[RoleView, ...]
    created_at: datetime
    updated_at: datetime
    version: int


class BranchView(Contract):
    id: UUID
    tenant_id: UUID
    name: str
    status: Status
    created_at: datetime
    updated_at: datetime
    version: int


class BranchPage(Contract):
    data: tuple[BranchView, ...]
    has_more: bool


class MembershipView(Contract):
    id: UUID
    kind: MembershipKind
    role_key: str
    status: Standing


class ProfileView(Contract):
    display_name: str
    status: Standing


class AssignmentView(Contract):
    branch_id: UUID
    status: str
    assigned_by: str
    assigned_at: datetime


class NotificationView(Contract):
    status: NotificationStatus


class StaffView(Contract):
    """The same for a phone that was new and one that was known (S2.7); `outcome` only answers a provisioning."""

    account_id: UUID
    tenant_id: UUID
    membership: MembershipView
    profile: ProfileView
    branches: tuple[AssignmentView, ...]
    outcome: ProvisioningOutcome | None = None
    notification: NotificationView
    version: int


class StaffPage(Contract):
    data: tuple[StaffView, ...]
    has_more: bool


class TenantFact(EventData):
    tenant_id: UUID


class TenantCreated(TenantFact):
    type: ClassVar[str] = "tenant.created"

    name: str
    region: str
    owner_account_id: UUID


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


class AccountFact(EventData):
    account_id: UUID


class IdentityProvisioned(AccountFact):
    """A person unknown before: no password yet, so nobody can log in as them (S2.28)."""

    type: ClassVar[str] = "identity.provisioned"


class IdentityActivationRequested(AccountFact):
    """A one-time code is due by SMS; the code is in no event."""

    type: ClassVar[str] = "identity.activation_requested"

    challenge_id: UUID


class IdentityNoticeRequested(AccountFact):
    """A person who can log in already is told by SMS that a tenant added them."""

    type: ClassVar[str] = "identity.notice_requested"

    notification_id: UUID


class IdentityActivated(AccountFact):
    """The person chose a password; `recovered` when there was one before."""

    type: ClassVar[str] = "identity.activated"

    recovered: bool


class SessionOpened(AccountFact):
    type: ClassVar[str] = "session.opened"

    session_id: UUID


class MembershipFact(TenantFact):
    account_id: UUID
    membership_id: UUID


class MembershipGranted(MembershipFact):
    type: ClassVar[str] = "membership.granted"

    membership_kind: MembershipKind
    role_key: str


class StaffProvisioned(MembershipFact):
    type: ClassVar[str] = "staff.provisioned"

    membership_kind: MembershipKind
    role_key: str
    branch_ids: tuple[UUID, ...]
    outcome: ProvisioningOutcome


class BranchAccessGranted(MembershipFact):
    type: ClassVar[str] = "branch_access.granted"

    branch_id: UUID
    reason: str


class StaffCommandRefused(CommandRefused):
    type: ClassVar[str] = "staff.refused"
