"""ALLOW or DENY from plain facts of this moment, for `access/check` and for every route alike (S2.9, S2.15).

Who one is comes before what one asks, so somebody outside hears the same of a tenant that is there and of one that is
not, whatever they ask (S2.21). What nobody registered is refused to everybody. Branch access is explicit: owning the
tenant gives none (S2.60).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from contracts.access import OWNER_ONLY, WHILE_FROZEN, AccessDecision, AccessView, Action, Missing
from contracts.failures import Code
from contracts.message import Chosen
from contracts.staffing import MembershipKind, Standing, Status
from services.staffing.tenant import OWNER_LEVEL, Role

GRANTED = "GRANTED"
OWNER, ROOT_ADMIN, THE_PERSON = MembershipKind.OWNER.value, "root admin", "the person"
_CATALOGUE = frozenset(Action)


@dataclass(frozen=True, slots=True)
class Member:
    """A membership; `since` is when its current period began."""

    kind: MembershipKind
    role_key: str
    status: Standing
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What counts about one account in one tenant.

    `branches` are of this tenant; `standing` and `removed` are the branches where the person has, or only had, access.
    """

    tenant_id: UUID
    session_over: bool = False
    disabled: bool = False
    tenant: Status | None = None
    member: Member | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)
    branches: Mapping[UUID, Status] = field(default_factory=dict)
    standing: frozenset[UUID] = frozenset()
    removed: frozenset[UUID] = frozenset()
    chosen: Chosen | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Denied for the reason `code`, or granted, for branch work at `branch_id`. It names kinds and roles, no people."""

    code: Code | None = None
    missing: tuple[Missing, ...] = ()
    who_may_grant: tuple[str, ...] = ()
    branch_id: UUID | None = None

    def view(self) -> AccessView:
        return AccessView(
            decision=AccessDecision.DENY if self.code else AccessDecision.ALLOW,
            reason=self.code or GRANTED,
            branch_id=self.branch_id,
            missing=self.missing,
            who_may_grant=self.who_may_grant,
        )


def decide(facts: Facts, action: str | None, branch_id: UUID | None = None) -> Verdict:
    """May they? `action` is None for a command that no table names."""
    if action is None:
        return Verdict(Code.ROUTE_NOT_REGISTERED)
    member = _member(facts)
    if isinstance(member, Verdict):
        return member
    denied = _unregistered(facts, action) or _outdated(facts, member) or _forbidden(facts, member, action)
    if denied:
        return denied
    if action not in WHILE_FROZEN and facts.tenant is not Status.ACTIVE:
        return _frozen_tenant()
    return _at_branch(facts, member, branch_id) if is_branch_work(action) else Verdict()


def decide_context(facts: Facts, branch_id: UUID | None) -> Verdict:
    """May they choose to work here? It gives no right, so no permission is asked for."""
    member = _member(facts)
    if isinstance(member, Verdict):
        return member
    return _at_branch(facts, member, branch_id) if facts.tenant is Status.ACTIVE else _frozen_tenant()


def is_branch_work(action: str) -> bool:
    """Every action of a shop's own is; of the catalogue only one."""
    return action == Action.BRANCH_WORK or action not in _CATALOGUE


def _at_branch(facts: Facts, member: Member, asked: UUID | None) -> Verdict:
    """Where the work is done: at the branch asked for, the chosen one, or the only one (S2.42-43)."""
    granters = _granters(facts, Action.BRANCH_ACCESS_CHANGE, _level(facts, member))
    branch_id = asked or _chosen_branch(facts)
    if branch_id is None:
        if not facts.standing:
            return Verdict(Code.NO_BRANCH_ASSIGNMENT, _missing("branch_assignment", "any"), granters)
        if len(facts.standing) > 1:
            return Verdict(Code.BRANCH_CONTEXT_REQUIRED, _missing("branch_context", facts.tenant_id), (THE_PERSON,))
        (branch_id,) = facts.standing
    if branch_id not in facts.standing:
        code = Code.BRANCH_ACCESS_REVOKED if branch_id in facts.removed else Code.NO_BRANCH_ACCESS
        return Verdict(code, _missing("branch_assignment", branch_id), granters)
    if facts.branches.get(branch_id) is not Status.ACTIVE:
        return Verdict(
            Code.BRANCH_FROZEN, _missing("active_branch", branch_id), _granters(facts, Action.BRANCH_ACTIVATE)
        )
    return Verdict(branch_id=branch_id)


def _member(facts: Facts) -> Member | Verdict:
    if facts.session_over:
        return Verdict(Code.TOKEN_INVALID, _missing("session", "alive"), (THE_PERSON,))
    if facts.disabled:
        return Verdict(Code.ACCOUNT_DISABLED, _missing("account", "enabled"), (ROOT_ADMIN,))
    if facts.tenant is None or facts.member is None:
        return Verdict(Code.NO_MEMBERSHIP, _missing("membership", facts.tenant_id), (OWNER,))
    if facts.member.status is not Standing.ACTIVE:
        return Verdict(Code.MEMBERSHIP_NOT_ACTIVE, _missing("active_membership", facts.tenant_id), (OWNER,))
    return facts.member


def _unregistered(facts: Facts, action: str) -> Verdict | None:
    if action in _CATALOGUE or any(action in role.permissions for role in facts.roles.values()):
        return None
    return Verdict(Code.ROUTE_NOT_REGISTERED, _missing("action", action), (OWNER,))


def _outdated(facts: Facts, member: Member) -> Verdict | None:
    """A context chosen in another tenant is no choice here; one of an earlier membership must be chosen again."""
    chosen = _chosen(facts)
    if chosen is None or chosen.since == member.since:
        return None
    return Verdict(Code.ACCESS_CHANGED, _missing("context", facts.tenant_id), (THE_PERSON,))


def _forbidden(facts: Facts, member: Member, action: str) -> Verdict | None:
    role = facts.roles.get(member.role_key)
    if member.kind is MembershipKind.OWNER or (action not in OWNER_ONLY and role and action in role.permissions):
        return None
    if action in OWNER_ONLY:
        return Verdict(Code.PERMISSION_DENIED, _missing("membership_kind", OWNER), (OWNER,))
    levels = [role.level for role in facts.roles.values() if action in role.permissions]
    # A role that permits it, given by whom both roles are within reach; while there is none, an owner defines it.
    reach = max(min(levels), _level(facts, member)) if levels else OWNER_LEVEL
    return Verdict(
        Code.PERMISSION_DENIED, _missing("permission", action), _granters(facts, Action.STAFF_CHANGE_ROLE, reach)
    )


def _frozen_tenant() -> Verdict:
    return Verdict(Code.TENANT_NOT_ACTIVE, _missing("active_tenant", Status.ACTIVE), (OWNER, ROOT_ADMIN))


def _chosen(facts: Facts) -> Chosen | None:
    return facts.chosen if facts.chosen and facts.chosen.tenant_id == facts.tenant_id else None


def _chosen_branch(facts: Facts) -> UUID | None:
    chosen = _chosen(facts)
    return chosen.branch_id if chosen else None


def _level(facts: Facts, member: Member) -> int:
    role = facts.roles.get(member.role_key)
    return OWNER_LEVEL if member.kind is MembershipKind.OWNER or role is None else role.level


def _granters(facts: Facts, granting: Action, level: int = 0) -> tuple[str, ...]:
    """The owners, and each role that permits `granting` and stands at least as high as `level`."""
    reaching = [key for key, role in facts.roles.items() if granting in role.permissions and role.level >= level]
    return (OWNER, *sorted(reaching))


def _missing(kind: str, value: object) -> tuple[Missing, ...]:
    return (Missing(kind=kind, value=str(value)),)
