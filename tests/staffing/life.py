"""A staff's life at random against real PostgreSQL: what the service does is what the model foretold."""

import asyncio
from collections.abc import Coroutine
from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid4

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from contracts.message import Actor
from contracts.staff_changes import (
    AddBranches,
    ChangeKind,
    ChangeRole,
    LeaveTenant,
    RemoveBranch,
    ReplaceBranches,
    RevokeStaff,
)
from contracts.staffing import ActivateBranch, CreateBranch, FreezeBranch, StaffingCommand
from deploy.local.stack import Stack
from services.chassis.database import connect
from tests.staffing.life_model import LEVELS, Model
from tests.staffing.office import Office, Shop, new_phone, provision, staff
from tests.support.wire import producer

PEOPLE, BRANCHES = 4, 3
T = TypeVar("T")

person = st.integers(0, PEOPLE - 1)
branch = st.integers(0, BRANCHES - 1)
branches = st.lists(branch, max_size=BRANCHES, unique=True)
role = st.sampled_from(sorted(LEVELS))


class World:
    """One office, and an event loop for it."""

    def __init__(self, stack: Stack) -> None:
        self._runner = asyncio.Runner()
        self.engine = connect(stack.state.dsn("staffing", driver="postgresql+asyncpg"), pool_size=2)
        self._producer = producer(stack, "staffing")
        self.office = Office(stack, self.engine, self.do(self._producer.__aenter__()))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def close(self) -> None:
        self.office.close()
        self.do(self._producer.__aexit__(None, None, None))
        self.do(self.engine.dispose())
        self._runner.close()


class StaffLife(RuleBasedStateMachine):
    world: ClassVar[World]

    @initialize()
    def open(self) -> None:
        office, do = self.world.office, self.world.do
        self.shop: Shop = do(office.open_shop())
        third = do(office.tell(CreateBranch(tenant_id=self.shop.tenant_id, name="Airport"), self.shop.owner))
        self.branches = [*self.shop.branches, UUID(third.body["id"])]
        self.phones = [self.shop.owner_phone, *(new_phone() for _ in range(PEOPLE - 1))]
        self.accounts: dict[int, UUID] = {0: UUID(self.shop.owner.subject)}
        self.model = Model(BRANCHES)

    @rule(actor=person, who=person, role=role, at=branches)
    def hire(self, actor: int, who: int, role: str, at: list[int]) -> None:
        wanted = {"phone": self.phones[who], "role_key": role, "branch_ids": self._named(at)}
        if who == 0:
            wanted["display_name"] = "Sokha Owner"
        body = self._told(actor, provision(self.shop, **wanted), self.model.hire(actor, who, role, at))
        if body and "account_id" in body:
            self.accounts[who] = UUID(body["account_id"])

    @rule(actor=person, who=person, role=role)
    def change_role(self, actor: int, who: int, role: str) -> None:
        self._told(actor, self._about(ChangeRole, who, role_key=role), self.model.change_role(actor, who, role))

    @rule(actor=person, who=person, kind=st.sampled_from(("OWNER", "OWNER", "MEMBER")))
    def change_kind(self, actor: int, who: int, kind: str) -> None:
        self._told(actor, self._about(ChangeKind, who, kind=kind), self.model.change_kind(actor, who, kind))

    @rule(actor=person, who=person, at=branches)
    def add(self, actor: int, who: int, at: list[int]) -> None:
        command = self._about(AddBranches, who, branch_ids=self._named(at))
        self._told(actor, command, self.model.add(actor, who, at))

    @rule(actor=person, who=person, at=branches)
    def replace(self, actor: int, who: int, at: list[int]) -> None:
        command = self._about(ReplaceBranches, who, branch_ids=self._named(at))
        self._told(actor, command, self.model.replace(actor, who, at))

    @rule(actor=person, who=person, gone=branch)
    def remove(self, actor: int, who: int, gone: int) -> None:
        command = self._about(RemoveBranch, who, branch_id=self.branches[gone])
        self._told(actor, command, self.model.remove(actor, who, gone))

    @rule(actor=person, who=person)
    def revoke(self, actor: int, who: int) -> None:
        self._told(actor, self._about(RevokeStaff, who), self.model.revoke(actor, who))

    @rule(who=person)
    def leave(self, who: int) -> None:
        self._told(who, LeaveTenant(tenant_id=self.shop.tenant_id), self.model.leave(who))

    @rule(actor=person, which=branch, frozen=st.booleans())
    def turn(self, actor: int, which: int, frozen: bool) -> None:  # noqa: FBT001 - Hypothesis names them
        kind = FreezeBranch if frozen else ActivateBranch
        command = kind(tenant_id=self.shop.tenant_id, branch_id=self.branches[which])
        self._told(actor, command, self.model.turn(actor, which, frozen=frozen))

    def teardown(self) -> None:
        if hasattr(self, "model"):
            self._compare()

    def _told(self, actor: int, command: StaffingCommand, foretold: str | int) -> Any:
        answer = self.world.do(self.world.office.tell(command, self._actor(actor)))
        assert (answer.code or answer.status) == foretold, (command, answer)
        return answer.body

    def _compare(self) -> None:
        """The tables hold what the model remembers, no more and no less; versions count every event."""
        tables, tenant = self.world.office.tables, self.shop.tenant_id
        members = "SELECT account_id, kind, role_key, status = 'ACTIVE' AS active, version FROM memberships"
        found = {row["account_id"]: row for row in tables.rows(f"{members} WHERE tenant_id = %s", tenant)}
        assert found.keys() == {self.accounts[who] for who in self.model.people}
        for who, member in self.model.people.items():
            account = self.accounts[who]
            row = found[account]
            known = (row["kind"], row["role_key"], row["active"], row["version"])
            assert known == (member.kind, member.role, member.active, member.version), (who, row, member)
            at = "SELECT branch_id FROM branch_assignments WHERE tenant_id = %s AND account_id = %s"
            standing = {row["branch_id"] for row in tables.rows(f"{at} AND status = 'ACTIVE'", tenant, account)}
            assert standing == {self.branches[b] for b in member.branches}
            over = "SELECT count(*) FROM staff_profile_periods WHERE tenant_id = %s AND account_id = %s"
            assert tables.value(over, tenant, account) == member.periods_over
            told = """
                SELECT array_agg(version ORDER BY version) FROM outbox
                WHERE aggregate_id = (SELECT id FROM memberships WHERE tenant_id = %s AND account_id = %s)
            """
            assert tables.value(told, tenant, account) == list(range(1, member.version + 1))

    def _about(self, command: Any, who: int, **more: Any) -> Any:
        """A change that names the version the model knows."""
        member = self.model.people.get(who)
        seen = {"account_id": self.accounts.get(who, uuid4()), "expected_version": member.version if member else 1}
        return command.model_validate({"tenant_id": self.shop.tenant_id, **seen, **more})

    def _actor(self, who: int) -> Actor:
        return staff(self.accounts.get(who, uuid4()))

    def _named(self, at: list[int]) -> tuple[UUID, ...]:
        return tuple(self.branches[b] for b in at)
