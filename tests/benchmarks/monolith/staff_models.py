"""Tenants, branches, accounts and staff: the same facts, keys and constraints as Gatehouse's, as mapped classes."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, ForeignKey, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship
from uuid_utils.compat import uuid7

from tests.benchmarks.monolith.models import Base, now


class Tenant(Base):
    __tablename__ = "tenants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    region: Mapped[str]
    status: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int]
    roles: Mapped[list["TenantRole"]] = relationship(lazy="raise")


class TenantRole(Base):
    __tablename__ = "tenant_roles"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey(Tenant.id), primary_key=True)
    role_key: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[int]
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))


class Branch(Base):
    __tablename__ = "branches"
    __table_args__ = (UniqueConstraint("tenant_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey(Tenant.id))
    name: Mapped[str]
    status: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int]


class Account(Base):
    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    phone: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str] = mapped_column(default="UNVERIFIED")
    created_at: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[int] = mapped_column(default=1)


class Membership(Base):
    __tablename__ = "memberships"
    __table_args__ = (
        UniqueConstraint("tenant_id", "account_id"),
        ForeignKeyConstraint(["tenant_id", "role_key"], [TenantRole.tenant_id, TenantRole.role_key]),
        Index("monolith_memberships_by_tenant", "tenant_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    tenant_id: Mapped[UUID]
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    kind: Mapped[str]
    role_key: Mapped[str]
    status: Mapped[str] = mapped_column(default="ACTIVE")
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[int]
    account: Mapped[Account] = relationship(lazy="raise")
    profile: Mapped["StaffProfile"] = relationship(lazy="raise")


class StaffProfile(Base):
    __tablename__ = "staff_profiles"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "account_id"], [Membership.tenant_id, Membership.account_id]),)

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    display_name: Mapped[str]
    status: Mapped[str] = mapped_column(default="ACTIVE")
    active_since: Mapped[datetime] = mapped_column(default=now)
    assignments: Mapped[list["BranchAssignment"]] = relationship(
        lazy="raise", foreign_keys="[BranchAssignment.tenant_id, BranchAssignment.account_id]"
    )


class BranchAssignment(Base):
    __tablename__ = "branch_assignments"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "branch_id"], [Branch.tenant_id, Branch.id]),
        ForeignKeyConstraint(["tenant_id", "account_id"], [StaffProfile.tenant_id, StaffProfile.account_id]),
        Index(
            "monolith_assignment_once",
            "tenant_id",
            "account_id",
            "branch_id",
            unique=True,
            postgresql_where="status = 'ACTIVE'",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    tenant_id: Mapped[UUID]
    account_id: Mapped[UUID]
    branch_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(default="ACTIVE")
    assigned_by: Mapped[str]
    assigned_at: Mapped[datetime] = mapped_column(default=now)
    reason: Mapped[str]
