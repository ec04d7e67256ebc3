"""The decision about access against a naive model (S2.9); and what it says is missing is what stood in the way."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.access import Action
from contracts.failures import Code
from contracts.message import Chosen
from contracts.staffing import MembershipKind, Standing, Status
from services.staffing.access.verdict import OWNER, Facts, Member, Verdict, decide
from services.staffing.tenant import OWNER_LEVEL, Role
from tests.staffing.naive_access import Question, Rows, naive_reason

WORLDS, QUESTIONS = 5_000, 20
THEN = datetime(2026, 1, 1, tzinfo=UTC)
PERIODS = [THEN, THEN + timedelta(days=1)]
ACCOUNTS = [UUID(int=n) for n in (1, 2)]
TENANTS = [UUID(int=n) for n in (11, 12, 13)]
BRANCHES = [UUID(int=n) for n in (21, 22, 23, 24, 25)]
KEYS = ["ADMIN", "MANAGER", "CASHIER"]
ACTIONS = [*map(str, Action), *["branch.work"] * 8, "sale.refund", "sale.refund", "till.open", "nobody.knows", None]
Decider = Callable[[Facts, str | None, UUID | None], Verdict]


def world(draw: random.Random) -> Rows:
    """Two tenants of three that are there, with all that can be in them."""
    rows = Rows(disabled={account for account in ACCOUNTS if draw.random() < 0.05})
    for tenant in TENANTS[:2]:
        rows.tenants[tenant] = draw.choice(["ACTIVE", "ACTIVE", "ACTIVE", "FROZEN"])
        for key in KEYS:
            permissions = set(draw.sample([str(a) for a in ACTIONS if a and a != "nobody.knows"], draw.randrange(9)))
            rows.roles.append((tenant, key, draw.randint(1, 99), permissions | draw.choice([{"branch.work"}, set()])))
        for account in ACCOUNTS:
            if draw.random() < 0.85:
                kind, status = draw.choice(["OWNER", "MEMBER", "MEMBER"]), draw.choice(["ACTIVE"] * 7 + ["REVOKED"])
                rows.memberships.append((tenant, account, kind, draw.choice(KEYS), status, draw.choice(PERIODS)))
    for branch in BRANCHES[:4]:
        tenant = draw.choice(TENANTS[:2])
        rows.branches.append((branch, tenant, draw.choice(["ACTIVE", "ACTIVE", "FROZEN"])))
        for account in ACCOUNTS:
            for status in draw.choice([[], ["ACTIVE"], ["REMOVED"], ["REMOVED", "ACTIVE"]]):
                rows.assignments.append((tenant, account, branch, status))
    return rows


def questions(draw: random.Random, rows: Rows) -> Iterator[Question]:
    for _ in range(QUESTIONS):
        tenant = draw.choice([*TENANTS[:2] * 5, TENANTS[2]])
        since = draw.choice(PERIODS)
        if draw.random() < 0.6:  # mostly a context of the period that stands
            since = next((m[5] for m in rows.memberships if m[0] == tenant), since)
        context = (draw.choice([tenant, TENANTS[0]]), draw.choice([*BRANCHES, None]), since)
        yield Question(
            account=draw.choice(ACCOUNTS),
            tenant=tenant,
            action=draw.choice(ACTIONS),
            branch=draw.choice([*BRANCHES, None, None, None]),
            session_alive=draw.random() > 0.03,
            context=draw.choice([None, None, context]),
        )


def facts_of(rows: Rows, asked: Question) -> Facts:
    mine = [b for t, a, b, status in rows.assignments if (t, a, status) == (asked.tenant, asked.account, "ACTIVE")]
    ever = [b for t, a, b, _ in rows.assignments if (t, a) == (asked.tenant, asked.account)]
    members = [
        Member(MembershipKind(kind), role, Standing(status), since)
        for tenant, account, kind, role, status, since in rows.memberships
        if (tenant, account) == (asked.tenant, asked.account)
    ]
    chosen = asked.context and Chosen(tenant_id=asked.context[0], branch_id=asked.context[1], since=asked.context[2])
    return Facts(
        tenant_id=asked.tenant,
        session_over=not asked.session_alive,
        disabled=asked.account in rows.disabled,
        tenant=Status(rows.tenants[asked.tenant]) if asked.tenant in rows.tenants else None,
        member=members[0] if members else None,
        roles={key: Role(level, frozenset(names)) for t, key, level, names in rows.roles if t == asked.tenant},
        branches={branch: Status(status) for branch, tenant, status in rows.branches if tenant == asked.tenant},
        standing=frozenset(mine),
        removed=frozenset(ever) - frozenset(mine),
        chosen=chosen,
    )


def cases(seed: int, worlds: int = WORLDS) -> Iterator[tuple[Rows, Question]]:
    draw = random.Random(seed)  # noqa: S311 - not cryptographic
    for _ in range(worlds):
        rows = world(draw)
        for asked in questions(draw, rows):
            yield rows, asked


def differs(decider: Decider, rows: Rows, asked: Question) -> bool:
    verdict = decider(facts_of(rows, asked), asked.action, asked.branch)
    return (verdict.code or "GRANTED", verdict.branch_id) != naive_reason(rows, asked)


@pytest.mark.parametrize("worlds", [WORLDS // 5, pytest.param(WORLDS, marks=pytest.mark.faults)])
def test_random_cases_are_decided_as_the_naive_model_does(worlds: int) -> None:
    """A hundred thousand of them where all worlds are asked about."""
    reasons: Counter[str] = Counter()

    for rows, asked in cases(seed=20261128, worlds=worlds):
        verdict = decide(facts_of(rows, asked), asked.action, asked.branch)
        reason = verdict.code or "GRANTED"
        assert (reason, verdict.branch_id) == naive_reason(rows, asked), (rows, asked)
        reasons[reason] += 1

    assert reasons.total() == 20 * worlds
    assert len(reasons) == 14
    assert min(reasons.values()) > worlds // 50, reasons


def _as_if_active(facts: Facts, action: str | None, branch: UUID | None) -> Verdict:
    return decide(replace(facts, branches=dict.fromkeys(facts.branches, Status.ACTIVE)), action, branch)


def _as_if_kept(facts: Facts, action: str | None, branch: UUID | None) -> Verdict:
    return decide(replace(facts, standing=facts.standing | facts.removed, removed=frozenset()), action, branch)


def _as_if_chosen_now(facts: Facts, action: str | None, branch: UUID | None) -> Verdict:
    since = facts.member.since if facts.member else THEN
    chosen = facts.chosen and facts.chosen.model_copy(update={"since": since})
    return decide(replace(facts, chosen=chosen), action, branch)


def _as_if_thawed(facts: Facts, action: str | None, branch: UUID | None) -> Verdict:
    return decide(replace(facts, tenant=facts.tenant and Status.ACTIVE), action, branch)


def _as_if_owners_needed_no_assignment(facts: Facts, action: str | None, branch: UUID | None) -> Verdict:
    owns = facts.member and facts.member.kind is MembershipKind.OWNER
    return decide(replace(facts, standing=frozenset(facts.branches)) if owns else facts, action, branch)


def _as_if_every_route_were_open(facts: Facts, action: str | None, branch: UUID | None) -> Verdict:
    verdict = decide(facts, action, branch)
    return Verdict() if verdict.code is Code.ROUTE_NOT_REGISTERED else verdict


@pytest.mark.parametrize(
    "planted",
    [
        pytest.param(_as_if_active, id="a frozen branch lets work through"),
        pytest.param(_as_if_kept, id="a removed assignment stands"),
        pytest.param(_as_if_chosen_now, id="a context of an earlier membership holds"),
        pytest.param(_as_if_thawed, id="a frozen tenant goes on"),
        pytest.param(_as_if_owners_needed_no_assignment, id="owners need no assignment"),
        pytest.param(_as_if_every_route_were_open, id="an unregistered action is open"),
    ],
)
def test_a_planted_fault_is_found(planted: Decider) -> None:
    assert any(differs(planted, rows, asked) for rows, asked in cases(seed=7, worlds=200))


GRANTING = {
    Code.PERMISSION_DENIED: Action.STAFF_CHANGE_ROLE,
    Code.NO_BRANCH_ASSIGNMENT: Action.BRANCH_ACCESS_CHANGE,
    Code.NO_BRANCH_ACCESS: Action.BRANCH_ACCESS_CHANGE,
    Code.BRANCH_ACCESS_REVOKED: Action.BRANCH_ACCESS_CHANGE,
    Code.BRANCH_FROZEN: Action.BRANCH_ACTIVATE,
}


def supplied(facts: Facts, kind: str, value: str) -> Facts:
    """The same facts with the one that was missing."""
    member = facts.member or Member(MembershipKind.MEMBER, KEYS[0], Standing.ACTIVE, PERIODS[0])
    changes: dict[str, Callable[[], dict[str, Any]]] = {
        "session": lambda: {"session_over": False},
        "account": lambda: {"disabled": False},
        "membership": lambda: {"tenant": facts.tenant or Status.ACTIVE, "member": member},
        "active_membership": lambda: {"member": replace(member, status=Standing.ACTIVE)},
        "membership_kind": lambda: {"member": replace(member, kind=MembershipKind.OWNER)},
        "permission": lambda: {"roles": _widened(facts, member.role_key, value)},
        "action": lambda: {"roles": _widened(facts, member.role_key, value)},
        "context": lambda: {"chosen": None},
        "active_tenant": lambda: {"tenant": Status(value)},
        "branch_context": lambda: {
            "chosen": Chosen(tenant_id=UUID(value), branch_id=min(facts.standing), since=member.since)
        },
        "branch_assignment": lambda: _assigned(facts, BRANCHES[0] if value == "any" else UUID(value)),
        "active_branch": lambda: {"branches": {**facts.branches, UUID(value): Status.ACTIVE}},
    }
    return replace(facts, **changes[kind]())


def _chosen(facts: Facts, since: datetime) -> Chosen:
    return Chosen(tenant_id=facts.tenant_id, branch_id=min(facts.standing), since=since)


def _widened(facts: Facts, key: str, action: str) -> dict[str, Role]:
    role = facts.roles[key]
    return {**facts.roles, key: Role(role.level, role.permissions | {action})}


def _assigned(facts: Facts, branch: UUID) -> dict[str, Any]:
    return {"standing": facts.standing | {branch}, "branches": {branch: Status.ACTIVE, **facts.branches}}


def test_what_is_missing_is_what_stood_in_the_way_and_those_named_may_grant_it() -> None:
    granted_by_roles = 0

    for rows, asked in cases(seed=3, worlds=1_000):
        facts = facts_of(rows, asked)
        verdict = decide(facts, asked.action, asked.branch)
        for missing in verdict.missing:
            now = decide(supplied(facts, missing.kind, missing.value), asked.action, asked.branch)
            assert now.code != verdict.code, (missing, facts, asked)
            assert verdict.who_may_grant
        granting = GRANTING.get(verdict.code) if verdict.code else None
        for key in verdict.who_may_grant if granting else ():
            granter = Member(MembershipKind.MEMBER, key, Standing.ACTIVE, THEN)
            granter = replace(granter, kind=MembershipKind.OWNER, role_key=KEYS[0]) if key == OWNER else granter
            as_granter = replace(facts, tenant=Status.ACTIVE, member=granter, chosen=None)
            assert decide(as_granter, granting).code is None
            if key != OWNER and verdict.code is not Code.BRANCH_FROZEN and facts.member:
                level = (
                    OWNER_LEVEL
                    if facts.member.kind is MembershipKind.OWNER
                    else facts.roles[facts.member.role_key].level
                )
                assert facts.roles[key].level >= level
                granted_by_roles += 1

    assert granted_by_roles > 100


def test_somebody_outside_hears_the_same_of_every_tenant() -> None:  # S2.21
    outside = decide(Facts(tenant_id=TENANTS[0]), "sale.refund", BRANCHES[0])
    there = Facts(tenant_id=TENANTS[0], tenant=Status.FROZEN, roles={"ADMIN": Role(80, frozenset({"sale.refund"}))})

    assert outside.code == Code.NO_MEMBERSHIP
    for action in [*ACTIONS[:-1], "sale.refund", "nobody.knows"]:
        assert decide(there, action, BRANCHES[1]) == outside
