"""A13: a tenant's owner reads what is about their tenant and nothing else, and for no longer than they own it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.audit import GetEvent, ListEvents, ProveEvent
from contracts.failures import Code
from contracts.message import Actor, ActorType, Chosen
from contracts.roles import Role
from services.audit.proofs import Prover
from services.audit.queries import get_event
from services.chassis import Refusal, Reply
from tests.audit.asking import Asking, staff
from tests.audit.ledger import Ledger, event, record

pytestmark = pytest.mark.asyncio


class Person:
    """Somebody's membership of one tenant, told as the staffing service tells it."""

    def __init__(self, tenant: UUID | None = None, account: UUID | None = None) -> None:
        self.tenant, self.account, self.membership = tenant or uuid4(), account or uuid4(), uuid4()
        self._version = self._account_version = 0

    def membership_event(self, kind: str, **data: Any) -> Any:
        self._version += 1
        about = {"membership": self.membership, "tenant": self.tenant, "account": self.account}
        named = {f"{name}_id": str(value) for name, value in about.items()}
        document = event(
            self._version,
            self.membership,
            type=kind,
            aggregate_type="membership",
            targets=[{"type": name, "id": str(value)} for name, value in about.items()],
            data=named | data,
        )
        return record(document, topic=kind)

    def account_event(self, kind: str, **data: Any) -> Any:
        self._account_version += 1
        document = event(
            self._account_version,
            self.account,
            type=kind,
            aggregate_type="account",
            targets=[{"type": "account", "id": str(self.account)}],
            data={"account_id": str(self.account)} | data,
        )
        return record(document, topic=kind)

    def granted(self, kind: str = "OWNER") -> Any:
        return self.membership_event("membership.granted", membership_kind=kind, role_key="MANAGER")

    def kind_changed(self, kind: str) -> Any:
        return self.membership_event("membership.kind_changed", membership_kind=kind, previous_kind="?")

    def role_changed(self) -> Any:
        return self.membership_event("membership.role_changed", role_key="CASHIER", previous_role_key="MANAGER")

    def revoked(self) -> Any:
        return self.membership_event("membership.revoked", left=False, reason="")

    @property
    def actor(self) -> Actor:
        return staff(self.account)


async def answer(ledger: Ledger, actor: Actor, **filters: Any) -> list[int] | Code:
    outcome = await Asking(ledger, actor).ask(ListEvents(**filters))
    if isinstance(outcome, Refusal):
        return outcome.code
    body: Any = outcome.body
    return [told.position for told in body.data]


async def test_an_owner_reads_the_events_of_the_tenant_and_no_others(ledger: Ledger) -> None:
    ruth, other = Person(), Person()
    await ledger.take([ruth.granted(), other.granted(), record(event())], [ruth.role_changed(), other.role_changed()])

    assert await answer(ledger, ruth.actor, tenant_id=ruth.tenant) == [0, 3]
    assert await answer(ledger, ruth.actor, tenant_id=other.tenant) is Code.NOT_FOUND
    assert await answer(ledger, ruth.actor, tenant_id=uuid4()) is Code.NOT_FOUND


async def test_no_filter_leads_out_of_the_tenant(ledger: Ledger) -> None:
    ruth, other = Person(), Person()
    await ledger.take([ruth.granted(), other.granted(), ruth.role_changed()])
    foreign = (await Asking(ledger).page(tenant_id=other.tenant)).data[0]
    filters: list[dict[str, Any]] = [
        {"target": f"tenant:{other.tenant}"},
        {"target": str(other.account)},
        {"target_type": "tenant", "target_id": str(other.tenant)},
        {"aggregate_id": other.membership},
        {"person": str(other.account)},
        {"recorded_from": foreign.recorded_at, "recorded_to": foreign.recorded_at},
    ]

    assert [await answer(ledger, ruth.actor, tenant_id=ruth.tenant, **one) for one in filters] == [[]] * len(filters)
    assert await answer(ledger, ruth.actor, tenant_id=ruth.tenant, starting_after=foreign.id) is Code.CURSOR_INVALID
    assert await answer(ledger, ruth.actor, tenant_id=ruth.tenant, starting_after=1) == [2]


async def test_one_event_and_its_proof_are_for_the_owner_of_its_tenant(ledger: Ledger) -> None:
    ruth, other = Person(), Person()
    await ledger.take([ruth.granted(), other.granted(), record(event())])
    ids = [told.id for told in (await Asking(ledger).page()).data]
    prove = Prover(ledger.signer.verifier).prove_event

    async def shown(event_id: UUID) -> list[bool]:
        asking = Asking(ledger, ruth.actor)
        answers = [await asking.ask(GetEvent(event_id=event_id), get_event)]
        answers.append(await asking.ask(ProveEvent(event_id=event_id), prove))
        assert all(isinstance(one, Reply) or one.code is Code.NOT_FOUND for one in answers)
        return [isinstance(one, Reply) for one in answers]

    assert [await shown(event_id) for event_id in (*ids, uuid4())] == [
        [True] * 2,
        [False] * 2,
        [False] * 2,
        [False] * 2,
    ]


async def test_the_tenant_that_was_chosen_is_the_one_meant(ledger: Ledger) -> None:
    ruth = Person()
    await ledger.take([ruth.granted()])
    chosen = Chosen(tenant_id=ruth.tenant, branch_id=None, since=datetime.now(UTC))

    assert await answer(ledger, staff(ruth.account, chosen=chosen)) == [0]
    assert await answer(ledger, ruth.actor) is Code.ROLE_REQUIRED


STORIES: dict[str, tuple[list[str], bool]] = {
    "who was granted it": (["OWNER"], True),
    "who is a member only": (["MEMBER"], False),
    "who was made an owner": (["MEMBER", "to OWNER"], True),
    "who was made a member": (["OWNER", "to MEMBER"], False),
    "who was revoked": (["OWNER", "revoked"], False),
    "who came back as a member": (["OWNER", "revoked", "MEMBER"], False),
    "who came back as an owner": (["OWNER", "revoked", "OWNER"], True),
    "whose role alone changed": (["OWNER", "role"], True),
}


def told(person: Person, steps: Sequence[str]) -> list[Any]:
    tell = {"revoked": person.revoked, "role": person.role_changed}
    return [
        tell[step]()
        if step in tell
        else person.kind_changed(step.removeprefix("to "))
        if step.startswith("to ")
        else person.granted(step)
        for step in steps
    ]


@pytest.mark.parametrize(("steps", "owner"), STORIES.values(), ids=STORIES)
async def test_whoever_owns_it_now_reads_in_whatever_order_the_events_came(
    ledger: Ledger, steps: list[str], *, owner: bool
) -> None:
    for order in permutations(range(len(steps))):
        ruth = Person()
        records = told(ruth, steps)
        for n in order:
            await ledger.take([records[n]])

        answered = await answer(ledger, ruth.actor, tenant_id=ruth.tenant)

        assert (answered != Code.NOT_FOUND) is owner, (order, answered)


async def test_while_a_version_is_missing_nothing_is_shown(ledger: Ledger) -> None:
    ruth = Person()
    first, _missing, third = told(ruth, ["OWNER", "revoked", "role"])
    await ledger.take([first, third])

    assert await answer(ledger, ruth.actor, tenant_id=ruth.tenant) is Code.NOT_FOUND


async def test_a_disabled_account_and_a_session_that_is_over_read_nothing(ledger: Ledger) -> None:
    ruth, session, another = Person(), uuid4(), uuid4()
    on_session = staff(ruth.account, session_id=session)

    async def reads() -> bool:
        return await answer(ledger, on_session, tenant_id=ruth.tenant) != Code.NOT_FOUND

    seen = []
    for step in (
        ruth.granted(),
        ruth.account_event("session.opened", session_id=str(session)),
        ruth.account_event("session.ended", session_id=str(another), reason="closed"),
        ruth.account_event("session.ended", session_id=None, reason="recovered"),
        ruth.account_event("session.opened", session_id=str(session)),
        ruth.account_event("session.ended", session_id=str(session), reason="closed"),
        ruth.account_event("session.opened", session_id=str(session)),
        ruth.account_event("account.disabled", reason=""),
    ):
        await ledger.take([step])
        seen.append(await reads())

    assert seen == [True, True, True, False, True, False, True, False]


async def test_a_staff_token_is_needed_and_other_roles_do_not_help(ledger: Ledger) -> None:
    ruth = Person()
    await ledger.take([ruth.granted()])
    oidc = Actor(type=ActorType.USER, issuer="https://id.example", subject=str(ruth.account), roles=frozenset(Role))
    others = oidc.model_copy(update={"roles": frozenset(Role) - {Role.AUDITOR, Role.ROOT_ADMIN}})

    assert await answer(ledger, others, tenant_id=ruth.tenant) is Code.ROLE_REQUIRED
    assert await answer(ledger, oidc, tenant_id=ruth.tenant) == [0]
    assert await answer(ledger, staff(uuid4()), tenant_id=ruth.tenant) is Code.NOT_FOUND
