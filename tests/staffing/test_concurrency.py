"""Many hands at once, on real transactions: one person stays one, frozen stays frozen, five tries stay five."""

import asyncio
from collections import Counter
from typing import LiteralString
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.staffing import COMMANDS, FreezeBranch
from services.chassis import Write
from services.staffing.credentials import store
from services.staffing.credentials.otp import Challenge
from services.staffing.scope import declare_tenants
from services.staffing.store import load_tenants
from tests.staffing.office import ANYBODY, Office, Shop, new_phone, provision


async def test_a_hundred_adds_of_one_phone_by_five_tenants_make_one_account(office: Office) -> None:  # S2.10
    shops = [await office.open_shop() for _ in range(5)]
    phone = new_phone()

    answers = await asyncio.gather(*(office.hire(shop, phone=phone) for shop in shops for _ in range(20)))

    outcomes = Counter(answer.body["outcome"] for answer in answers)
    assert outcomes == {"created": 5, "unchanged": 95}
    (account,) = office.tables.rows("SELECT id, version FROM accounts WHERE phone = %s", phone)
    assert {answer.body["account_id"] for answer in answers} == {str(account["id"])}
    assert Counter(kind for answer in answers for kind in answer.told)["identity.provisioned"] == 1
    assert office.tables.value("SELECT count(*) FROM memberships WHERE account_id = %s", account["id"]) == 5


async def test_batches_that_meet_the_same_new_phones_all_end(office: Office) -> None:
    """Two batches, the same fifty new phones in opposite order: no deadlock, one account each."""
    first, second = await office.open_shop(), await office.open_shop()
    phones = [new_phone() for _ in range(50)]

    one, two = await asyncio.gather(
        office.tell_all(*((provision(first, phone=phone), first.owner) for phone in phones)),
        office.tell_all(*((provision(second, phone=phone), second.owner) for phone in reversed(phones))),
    )

    assert {answer.status for answer in (*one, *two)} == {201}
    assert office.tables.value("SELECT count(*) FROM accounts WHERE phone = ANY(%s)", phones) == 50


async def test_a_branch_frozen_between_check_and_commit_is_refused(
    office: Office, shop: Shop, engine: AsyncEngine
) -> None:
    """S2.25: the freeze holds the tenant; the call that waits for it sees the branch as it then is."""
    before = office.counts()
    async with engine.begin() as freezing:
        await declare_tenants(Write(freezing), [shop.tenant_id])
        await load_tenants(Write(freezing), [shop.tenant_id], lock=True)
        waiting = asyncio.create_task(office.hire(shop))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await freezing.exec_driver_sql("UPDATE branches SET status = 'FROZEN' WHERE id = $1", (shop.branches[1],))

    refused = await waiting

    assert (refused.status, refused.code) == (409, "BRANCH_NOT_ACTIVE")
    assert refused.body["existing"]["branches"] == [{"branch_id": str(shop.branches[1]), "status": "FROZEN"}]
    assert office.counts() == before


async def test_a_freeze_waits_for_the_call_that_saw_the_branch_open(office: Office, shop: Shop) -> None:  # S2.25
    desk, checked, go_on = office.desks[COMMANDS], asyncio.Event(), asyncio.Event()

    async def slow_save(tx: Write, book: object) -> None:
        checked.set()
        await go_on.wait()
        await desk.save(tx, book)

    held = type(desk)(desk.handlers, desk.load, slow_save, desk.refusal, desk.gather)
    hiring = asyncio.create_task(office.tell_all((provision(shop), shop.owner), desk=held))
    await checked.wait()
    freeze = FreezeBranch(tenant_id=shop.tenant_id, branch_id=shop.branches[0])
    freezing = asyncio.create_task(office.tell(freeze, shop.owner))
    await asyncio.sleep(0.3)

    assert not freezing.done()
    go_on.set()
    (hired,), frozen = await hiring, await freezing

    assert (hired.status, frozen.told) == (201, ["branch.frozen"])
    assert (await office.hire(shop)).code == "BRANCH_NOT_ACTIVE"


async def test_freezes_and_hires_at_random_leave_only_whole_hires(office: Office) -> None:
    for _ in range(10):
        shop = await office.open_shop()
        freeze = FreezeBranch(tenant_id=shop.tenant_id, branch_id=shop.branches[0])

        *hired, frozen = await asyncio.gather(*(office.hire(shop) for _ in range(4)), office.tell(freeze, shop.owner))

        assert frozen.status == 200
        assert {answer.code or answer.status for answer in hired} <= {201, "BRANCH_NOT_ACTIVE"}
        granted = office.tables.value("SELECT count(*) FROM branch_assignments WHERE tenant_id = %s", shop.tenant_id)
        assert granted == 2 * sum(answer.status == 201 for answer in hired)


@pytest.mark.parametrize("who", ["somebody", "a stranger"])
async def test_fifty_guesses_at_once_are_five_tries(office: Office, shop: Shop, who: str) -> None:  # P8, P9
    phone = new_phone()
    if who == "somebody":
        await office.hire(shop, phone=phone)
    right = await office.ask_for_code(phone)
    wrong = f"{(int(right) + 1) % 1_000_000:06}"

    answers = await asyncio.gather(*(office.verify(phone, wrong) for _ in range(50)))
    late = await office.verify(phone, right)

    assert Counter(answer.code for answer in answers) == {"OTP_INVALID": 5, "OTP_ATTEMPTS_EXCEEDED": 45}
    assert (late.status, late.code) == (429, "OTP_ATTEMPTS_EXCEEDED")


async def test_control_tries_that_are_read_first_and_written_after_are_more_than_five(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: ten guesses at once, each looking at the count before any has written it."""
    everybody_read = asyncio.Barrier(10)

    async def read_only(tx: Write, wanted: dict[str, int]) -> dict[str, Challenge]:
        found = await store.newest_challenges(tx, wanted)
        await everybody_read.wait()
        return found

    stranger = new_phone()
    wrong = f"{(int(await office.ask_for_code(stranger)) + 1) % 1_000_000:06}"
    monkeypatch.setattr(store, "take_tries", read_only)

    answers = await asyncio.gather(*(office.verify(stranger, wrong) for _ in range(10)))

    assert Counter(answer.code for answer in answers) == {"OTP_INVALID": 10}


async def test_the_statement_alone_gives_out_five_tries(office: Office, engine: AsyncEngine) -> None:  # P8
    """Without the lock on the account, without a handler: twenty transactions at once, and one that takes many."""
    one, other = new_phone(), new_phone()
    for phone in (one, other):
        await office.ask_for_code(phone)

    async def take(phone: str, tries: int) -> int:
        key = office.otp.phone_key(phone)
        async with engine.begin() as tx:
            before = (await store.take_tries(tx, {key: tries}))[key].attempts
            after = await tx.exec_driver_sql("SELECT attempts FROM otp_challenges WHERE phone_key = $1", (key,))
            return int(after.scalar_one()) - before

    taken = await asyncio.gather(*(take(one, 1) for _ in range(20)))

    assert Counter(taken) == {1: 5, 0: 15}
    assert [await take(other, 3), await take(other, 50), await take(other, 1)] == [3, 2, 0]


async def test_a_guess_that_was_not_looked_at_costs_no_try(office: Office) -> None:
    """Sent again under its key it is answered from the stored reply."""
    stranger, command = new_phone(), uuid4()
    guess = office.sealed_verification(stranger, await office.ask_for_code(stranger), "correct horse battery")

    for _ in range(4):
        await office.tell(guess, ANYBODY, command)

    tried = "SELECT attempts FROM otp_challenges WHERE phone_key = %s"
    assert office.tables.value(tried, office.otp.phone_key(stranger)) == 1


async def test_one_code_opens_once(office: Office, shop: Shop) -> None:  # P8
    phone = new_phone()
    person = await office.hire(shop, phone=phone)
    code = await office.ask_for_code(phone)

    answers = await asyncio.gather(*(office.verify(phone, code, f"password number {n}") for n in range(8)))

    assert Counter(answer.status for answer in answers)[204] == 1
    account = UUID(person.body["account_id"])
    challenges = office.tables.rows("SELECT consumed_at FROM otp_challenges WHERE account_id = %s", account)
    assert [challenge["consumed_at"] is None for challenge in challenges] == [False]


@pytest.mark.parametrize("size", [1, 500])
async def test_a_batch_costs_the_same_statements_whatever_its_size(office: Office, shop: Shop, size: int) -> None:
    seen: list[str] = []
    await office.hire(shop, notify="sms")

    with office.statements(seen):
        answers = await office.tell_all(*((provision(shop, notify="sms"), shop.owner) for _ in range(size)))

    assert {answer.status for answer in answers} == {201}
    assert len(seen) == 22, "\n".join(seen)


async def test_a_login_and_a_hire_of_one_person_do_not_lose_a_version(office: Office) -> None:
    phone, elsewhere = new_phone(), await office.open_shop()
    person = await office.hire(elsewhere, phone=phone)
    await office.activate(phone)

    shops = [await office.open_shop() for _ in range(5)]

    await asyncio.gather(
        *(office.log_in(phone) for _ in range(5)), *(office.hire(shop, phone=phone, notify="sms") for shop in shops)
    )

    statement: LiteralString = "SELECT version FROM outbox WHERE aggregate_id = %s ORDER BY id"
    versions = [row["version"] for row in office.tables.rows(statement, person.body["account_id"])]
    assert versions == list(range(1, len(versions) + 1))
    assert len(versions) == 3 + 10
    assert (await office.tell(office.login(phone, "wrong password"), ANYBODY)).code == "AUTH_REQUIRED"
