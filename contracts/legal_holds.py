"""Legal holds: while one stands, nothing about the held partner, person or tenant is erased or purged.

A subject is held or it is not: a second hold on it changes nothing, one release ends it. The event's target
(`{type: partner | account | tenant, id}`) is what is held; a tenant's hold covers its staff, a partner's its contacts.
"""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.credentials import AccountFact
from contracts.message import Contract, Target
from contracts.partner_events import PartnerFact
from contracts.partners import OfPartner
from contracts.roles import Role
from contracts.staff_changes import AccountCommand
from contracts.staff_events import TenantFact
from contracts.staffing import TenantCommand
from contracts.text import Name

ROOT_ADMIN = frozenset({Role.ROOT_ADMIN})
HoldReason = Annotated[Name, Field(max_length=200)]
"""Evidence that stays for ever, so it names a matter and no person."""


class HoldPartner(OfPartner):
    """Keep everything about a partner and its contacts; only for allowlisted root admins."""

    type: ClassVar[str] = "partner.legal_hold"
    roles: ClassVar[frozenset[Role]] = ROOT_ADMIN

    reason: HoldReason


class ReleasePartner(OfPartner):
    """End a partner's hold."""

    type: ClassVar[str] = "partner.release_legal_hold"
    roles: ClassVar[frozenset[Role]] = ROOT_ADMIN

    reason: HoldReason


class HoldAccount(AccountCommand):
    """Keep everything about a person on some staff; only for allowlisted root admins."""

    type: ClassVar[str] = "account.legal_hold"

    reason: HoldReason


class ReleaseAccount(AccountCommand):
    """End a person's hold."""

    type: ClassVar[str] = "account.release_legal_hold"

    reason: HoldReason


class HoldTenant(TenantCommand):
    """Keep everything about a tenant and its staff; only for allowlisted root admins."""

    type: ClassVar[str] = "tenant.legal_hold"
    roles: ClassVar[frozenset[Role]] = ROOT_ADMIN

    reason: HoldReason


class ReleaseTenant(TenantCommand):
    """End a tenant's hold."""

    type: ClassVar[str] = "tenant.release_legal_hold"
    roles: ClassVar[frozenset[Role]] = ROOT_ADMIN

    reason: HoldReason


class HoldView(Contract):
    """Whether the subject is held now."""

    subject: Target
    held: bool
    version: int


class PartnerHeld(PartnerFact):
    type: ClassVar[str] = "partner.legal_hold_placed"

    partner_id: UUID
    reason: str


class PartnerReleased(PartnerFact):
    type: ClassVar[str] = "partner.legal_hold_released"

    partner_id: UUID
    reason: str


class AccountHeld(AccountFact):
    type: ClassVar[str] = "account.legal_hold_placed"

    reason: str


class AccountReleased(AccountFact):
    type: ClassVar[str] = "account.legal_hold_released"

    reason: str


class TenantHeld(TenantFact):
    type: ClassVar[str] = "tenant.legal_hold_placed"

    reason: str


class TenantReleased(TenantFact):
    type: ClassVar[str] = "tenant.legal_hold_released"

    reason: str
