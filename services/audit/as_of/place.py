"""Tenants and branches as their events tell of them, and who had access to a branch. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from contracts.audit_as_of import AccessAsOf
from contracts.staff_events import (
    BranchActivated,
    BranchCreated,
    BranchFrozen,
    TenantActivated,
    TenantCreated,
    TenantFrozen,
)
from contracts.staffing import Standing, Status
from services.audit.as_of.membership import TELLS as MEMBERSHIP_TELLS
from services.audit.as_of.membership import Membership
from services.audit.as_of.told import Story, Told


@dataclass(slots=True)
class Place:
    """A tenant or a branch."""

    tenant_id: str = ""
    name: str = ""
    status: Status = Status.ACTIVE


def _created(place: Place, told: Told) -> None:
    place.tenant_id, place.name = told.data["tenant_id"], told.data["name"]


def _frozen(place: Place, _: Told) -> None:
    place.status = Status.FROZEN


def _activated(place: Place, _: Told) -> None:
    place.status = Status.ACTIVE


TENANT_TELLS: dict[str, Callable[[Place, Told], None]] = {
    TenantCreated.type: _created,
    TenantFrozen.type: _frozen,
    TenantActivated.type: _activated,
}
BRANCH_TELLS: dict[str, Callable[[Place, Told], None]] = {
    BranchCreated.type: _created,
    BranchFrozen.type: _frozen,
    BranchActivated.type: _activated,
}


def status_of(tenant: Story) -> Status | None:
    """None where all that told of it has been purged."""
    return tenant.fold(Place(), TENANT_TELLS).status if tenant.events else None


def access_to(branch_id: UUID, story: Story) -> AccessAsOf | None:
    """How one membership had access to this branch, if it had; one that is revoked has none, whatever still stands."""
    member = story.fold(Membership(), MEMBERSHIP_TELLS)
    given = member.branches.get(str(branch_id)) if member.status is Standing.ACTIVE else None
    about = {"membership_id": story.id, **member.fields()}
    if story.purged:
        about["role_key"] = None  # it may have been changed since
    return AccessAsOf.model_validate({**about, **given.model_dump()}) if given else None
