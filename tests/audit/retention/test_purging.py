"""A10: an event whose time is over becomes a stub, and the log still proves itself."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from contracts.retention import DEFAULT_DAYS, RetentionClass
from services.audit import retention_plan
from services.audit.retention_plan import due, ranges_of
from services.chassis import Read
from tests.audit.retention.purging import (
    ACCOUNT,
    CLERK,
    PARTNER,
    TENANT,
    Purging,
    classes,
    hold,
    reading,
    release,
    told,
)

pytestmark = pytest.mark.asyncio

GONE = ("raw", "actor_type", "actor_issuer", "actor_subject", "command_id", "request_id", "outcome", "occurred_at")


@pytest.mark.parametrize(("days", "purged"), [(365, []), (732, [0, 2]), (1828, [0, 2, 3]), (3654, [0, 1, 2, 3])])
async def test_an_event_is_purged_once_its_class_is_over_and_not_before(
    purging: Purging, days: int, purged: list[int]
) -> None:
    await purging.ledger.take([record for _, record in classes()])
    purging.grow_older(days)

    await purging.purge()

    assert purging.stubs == purged
    assert (await purging.ledger.verify()).ok


async def test_a_period_comes_from_the_settings(purging: Purging) -> None:
    await purging.ledger.take([reading()], [told("partner.approved", ("partner", PARTNER))])
    purging.grow_older(40)

    await purging.purge(DEFAULT_DAYS | {RetentionClass.READING: 30})

    assert purging.stubs == [0]


async def test_a_stub_says_neither_what_nor_by_whom_nor_about_whom(purging: Purging) -> None:
    await purging.ledger.take([told("staff.renamed", ("membership", uuid4()), ("account", ACCOUNT), actor=CLERK)])
    purging.grow_older(2_000)
    before = purging.ledger.rows("SELECT * FROM events WHERE position = 0")[0]

    await purging.purge()

    stub = purging.ledger.rows("SELECT * FROM events WHERE position = 0")[0]
    assert [stub[name] for name in GONE] == [None] * len(GONE)
    assert purging.ledger.rows("SELECT * FROM event_targets WHERE position = 0") == []
    assert str(ACCOUNT) not in str(stub)
    kept = before.keys() - set(GONE) - {"purged_by", "subjects"}
    assert {name: stub[name] for name in kept} == {name: before[name] for name in kept}
    assert stub["purged_by"] == 1


async def test_many_events_of_several_classes_are_purged_part_by_part(
    purging: Purging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_plan, "PART", 4)
    monkeypatch.setattr(retention_plan, "PARTS", 3)
    batch = [record for _ in range(12) for _, record in classes()]
    await purging.ledger.take(batch[:31], batch[31:])
    purging.grow_older(4_000)
    await purging.ledger.take([reading(), reading()])

    await purging.purge()

    assert purging.stubs == [position for position in range(60) if position % 5 != 4]
    for page in (3, 1000):
        report = await purging.ledger.verify(purging.ledger.notes, page)
        assert report.ok, report.finding
    assert (await purging.ledger.verify_in_ranges(purging.ledger.notes)).ok


async def test_nothing_is_removed_before_the_log_has_said_so(purging: Purging) -> None:
    await purging.ledger.take([reading()])
    purging.grow_older(400)
    retention = purging.retention()

    assert await retention.look()
    assert await retention.look()  # still on its way: not named twice
    assert purging.stubs == []
    assert purging.ledger.value("SELECT count(*) FROM outbox") == 1

    await purging.deliver()
    assert not await retention.look()
    assert purging.stubs == [0]


async def test_what_is_purged_is_not_named_again(purging: Purging) -> None:
    await purging.ledger.take([reading()])
    purging.grow_older(400)

    await purging.purge()
    await purging.purge()

    assert purging.ledger.value("SELECT count(*) FROM events WHERE type = 'audit.purged'") == 1
    assert purging.ledger.value("SELECT count(*) FROM purges_settled") == 1


@pytest.mark.parametrize(("kind", "subject"), [("partner", PARTNER), ("tenant", TENANT), ("account", ACCOUNT)])
async def test_a_hold_keeps_every_event_about_its_subject_until_it_is_released(
    purging: Purging, kind: str, subject: UUID
) -> None:
    await purging.ledger.take(
        [told("partner.approved", (kind, subject)), told("partner.approved", ("partner", uuid4()))],
        [hold(kind, subject)],
    )
    purging.grow_older(4_000)

    await purging.purge()
    assert purging.stubs == [1]

    await purging.ledger.take([release(kind, subject)])
    await purging.purge()
    assert purging.stubs == [0, 1]
    assert (await purging.ledger.verify()).ok


async def test_a_hold_on_a_person_keeps_what_they_did(purging: Purging) -> None:
    await purging.ledger.take([told("branch.frozen", ("branch", uuid4()), actor=CLERK), hold("account", ACCOUNT)])
    purging.grow_older(4_000)

    await purging.purge()

    assert purging.stubs == []


async def test_a_release_that_was_recorded_before_its_hold_counts_all_the_same(purging: Purging) -> None:
    await purging.ledger.take(
        [told("partner.approved", ("partner", PARTNER)), release("partner", PARTNER), hold("partner", PARTNER)]
    )
    purging.grow_older(4_000)

    await purging.purge()

    assert purging.stubs == [0]


async def test_a_hold_placed_after_the_intent_still_keeps_the_bytes(purging: Purging) -> None:
    await purging.ledger.take([told("partner.approved", ("partner", PARTNER)), reading()])
    purging.grow_older(4_000)
    retention = purging.retention()
    await retention.look()
    await purging.deliver()
    await purging.ledger.take([hold("partner", PARTNER)])

    await purging.purge()
    assert purging.stubs == [1]

    await purging.ledger.take([release("partner", PARTNER)])
    await purging.purge()
    assert purging.stubs == [0, 1]
    assert (await purging.ledger.verify()).ok


async def test_a_hold_recorded_before_the_intent_keeps_the_bytes_even_after_its_release(purging: Purging) -> None:
    """The verifier asks about the moment of the intent, so what it named then must not go by that name."""
    await purging.ledger.take([told("partner.approved", ("partner", PARTNER))])
    purging.grow_older(4_000)
    retention = purging.retention()
    await retention.look()
    await purging.ledger.take([hold("partner", PARTNER)])
    await purging.deliver()
    await purging.ledger.take([release("partner", PARTNER)])

    await retention.remove()
    assert purging.stubs == []

    await purging.purge()
    assert purging.stubs == [0]
    assert (await purging.ledger.verify()).ok


async def test_what_is_due_can_be_asked_without_doing_it(purging: Purging) -> None:
    await purging.ledger.take([reading(), told("partner.approved", ("partner", PARTNER)), hold("partner", PARTNER)])
    purging.grow_older(4_000)

    async with purging.ledger.engine.connect() as connection:
        found = await due(Read(connection), DEFAULT_DAYS, datetime.now(UTC))

    assert found[RetentionClass.READING] == (1, 0)
    assert found[RetentionClass.EVIDENCE] == (0, 1)
    assert purging.ledger.value("SELECT count(*) FROM outbox") == 0


@pytest.mark.parametrize(
    ("positions", "ranges"),
    [([], ()), ([4], ((4, 4),)), ([1, 2, 3, 7, 9, 10], ((1, 3), (7, 7), (9, 10)))],
)
async def test_positions_become_ranges(positions: list[int], ranges: tuple[tuple[int, int], ...]) -> None:
    assert ranges_of(positions) == ranges
