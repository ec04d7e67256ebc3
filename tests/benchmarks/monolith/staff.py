"""`POST /api/v1/tenants/{t}/staff` of the monolith: one person, one membership, their profile and branches."""

import json
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload
from uuid_utils.compat import uuid7

from contracts.access import Action
from contracts.credentials import IdentityProvisioned
from contracts.message import EventData
from contracts.provisioning import ProvisionStaff
from contracts.staff_events import BranchAccessGranted, MembershipGranted, StaffProvisioned
from contracts.staffing import (
    AssignmentView,
    MembershipKind,
    MembershipView,
    NotificationStatus,
    NotificationView,
    ProfileView,
    ProvisioningOutcome,
    StaffView,
    Standing,
)
from services.staffing.phone import PhoneFault, e164
from tests.benchmarks.monolith.auth import Person, person
from tests.benchmarks.monolith.keys import new_key
from tests.benchmarks.monolith.models import now
from tests.benchmarks.monolith.once import Fact, answer, event, recorded
from tests.benchmarks.monolith.staff_models import (
    Account,
    Branch,
    BranchAssignment,
    Membership,
    StaffProfile,
    Tenant,
)

router = APIRouter()
OWNER, OWNER_LEVEL, REASON = "OWNER", 100, "staff created"


@router.post("/api/v1/tenants/{tenant_id}/staff", status_code=201)
async def provision(tenant_id: UUID, request: Request, caller: Annotated[Person, Depends(person)]) -> Response:
    body = await request.body()
    command = ProvisionStaff.model_validate_json(json.dumps(json.loads(body) | {"tenant_id": str(tenant_id)}))
    async with request.app.state.session() as session, session.begin():
        before = await recorded(session, request, caller, body)
        if before:
            return before
        tenant = await _tenant(session, command, caller)
        phone = e164(command.phone, tenant.region)
        if isinstance(phone, PhoneFault):
            raise HTTPException(422, "PHONE_INVALID")
        await _check_branches(session, command)
        account = (await session.scalars(select(Account).where(Account.phone == phone))).first()
        facts: list[Fact] = []
        if account is None:
            account = Account(id=uuid4(), phone=phone, version=1)
            session.add(account)
            sealed = new_key(account.id).fields(IdentityProvisioned, phone=phone)
            facts.append(Fact("account", account.id, 1, IdentityProvisioned(account_id=account.id, **sealed)))
        elif await _membership(session, tenant_id, account.id):
            raise HTTPException(409, "STAFF_ALREADY_EXISTS")
        view = _admit(session, command, account, caller, facts)
        session.add_all([event(request, caller, fact) for fact in facts])
        return answer(session, request, caller, body, view)


async def _tenant(session: AsyncSession, command: ProvisionStaff, caller: Person) -> Tenant:
    """The active tenant, for an owner or admin of it who may grant the role."""
    seat = (Membership.tenant_id == Tenant.id) & (Membership.account_id == UUID(caller.subject))
    query = select(Tenant, Membership).join(Membership, seat).where(Tenant.id == command.tenant_id)
    found = (await session.execute(query.options(selectinload(Tenant.roles)))).first()
    if caller.type != "staff" or found is None or found[1].status != Standing.ACTIVE:
        raise HTTPException(404, "NOT_FOUND")
    tenant, member = found
    roles = {role.role_key: role for role in tenant.roles}
    if member.kind != OWNER and Action.STAFF_PROVISION not in roles[member.role_key].permissions:
        raise HTTPException(403, "PERMISSION_DENIED")
    if tenant.status != Standing.ACTIVE:
        raise HTTPException(409, "TENANT_NOT_ACTIVE")
    if command.role_key not in roles:
        raise HTTPException(422, "ROLE_KEY_INVALID")
    if roles[command.role_key].level > (OWNER_LEVEL if member.kind == OWNER else roles[member.role_key].level):
        raise HTTPException(403, "ROLE_CEILING_EXCEEDED")
    return tenant


async def _check_branches(session: AsyncSession, command: ProvisionStaff) -> None:
    query = select(Branch).where(Branch.tenant_id == command.tenant_id, Branch.id.in_(command.branch_ids))
    active = {branch.id for branch in await session.scalars(query) if branch.status == Standing.ACTIVE}
    if not active or active != set(command.branch_ids):
        raise HTTPException(422, "BRANCH_NOT_FOUND")


async def _membership(session: AsyncSession, tenant_id: UUID, account_id: UUID) -> Membership | None:
    query = select(Membership).where(Membership.tenant_id == tenant_id, Membership.account_id == account_id)
    return (await session.scalars(query)).first()


def _admit(
    session: AsyncSession, command: ProvisionStaff, account: Account, caller: Person, facts: list[Fact]
) -> StaffView:
    """Add the rows and the facts; the answer is made of the rows."""
    member = Membership(
        id=uuid7(),
        tenant_id=command.tenant_id,
        account_id=account.id,
        account=account,
        kind=MembershipKind.MEMBER,
        role_key=command.role_key,
        status=Standing.ACTIVE,
    )
    seat = {"tenant_id": command.tenant_id, "account_id": account.id}
    profile = StaffProfile(**seat, display_name=command.display_name, status=Standing.ACTIVE)
    assigned = [
        BranchAssignment(
            **seat,
            id=uuid7(),
            branch_id=branch,
            status="ACTIVE",
            assigned_by=caller.subject,
            assigned_at=now(),
            reason=REASON,
        )
        for branch in command.branch_ids
    ]
    data = _granted(command, member, assigned)
    facts += [Fact("membership", member.id, n, fact) for n, fact in enumerate(data, 1)]
    member.version = len(data)
    member.profile, profile.assignments = profile, assigned
    session.add(member)
    return _view(member, profile, assigned)


def _granted(command: ProvisionStaff, member: Membership, assigned: list[BranchAssignment]) -> list[EventData]:
    named: dict[str, Any] = {"tenant_id": member.tenant_id, "account_id": member.account_id, "membership_id": member.id}
    role: dict[str, Any] = {"membership_kind": MembershipKind(member.kind), "role_key": member.role_key}
    outcome = ProvisioningOutcome.CREATED
    sealed = new_key(member.account_id).fields(StaffProvisioned, display_name=command.display_name)
    return [
        MembershipGranted(**named, **role),
        StaffProvisioned(**named, **role, **sealed, branch_ids=command.branch_ids, outcome=outcome),
        *(BranchAccessGranted(**named, assignment_id=a.id, branch_id=a.branch_id, reason=REASON) for a in assigned),
    ]


def _view(member: Membership, profile: StaffProfile, assigned: list[BranchAssignment]) -> StaffView:
    kind, standing = MembershipKind(member.kind), Standing(member.status)
    return StaffView(
        account_id=member.account_id,
        tenant_id=member.tenant_id,
        membership=MembershipView(id=member.id, kind=kind, role_key=member.role_key, status=standing),
        profile=ProfileView(display_name=profile.display_name, status=standing),
        branches=tuple(
            AssignmentView(branch_id=a.branch_id, status=a.status, assigned_by=a.assigned_by, assigned_at=a.assigned_at)
            for a in assigned
        ),
        outcome=ProvisioningOutcome.CREATED,
        notification=NotificationView(status=NotificationStatus.NONE),
        version=member.version,
    )
