"""A17: a missing event is seen, and one that only comes late is not accused."""

from uuid import uuid4

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.audit import completeness
from services.audit.completeness import GapWatch
from tests.audit.ledger import Ledger, event, record, story

pytestmark = pytest.mark.asyncio


async def nobody_waits() -> int:
    return 0


def watch(ledger: Ledger) -> GapWatch:
    return GapWatch(ledger.engine, nobody_waits)


def gaps_counted() -> float | None:
    return REGISTRY.get_sample_value("gatehouse_audit_gaps")


async def test_a_missing_version_is_named_and_counted_once_overdue(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _, third, fourth = story(4)
    await ledger.take([first, third, fourth], story(3))
    watching = watch(ledger)

    (gap,) = await watching.look()
    watching.tell()
    young = gaps_counted()
    monkeypatch.setattr(completeness, "GRACE_SECONDS", 0)
    with capture_logs() as lines:
        watching.tell()
        watching.tell()

    assert (gap.position, gap.version) == (1, 3)
    assert young == 0
    assert gaps_counted() == 1
    assert [(line["event"], line["missing_version"]) for line in lines] == [("audit.gap", 2)]


async def test_a_late_event_closes_its_gap(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completeness, "GRACE_SECONDS", 0)
    first, second, third = story(3)
    watching = watch(ledger)
    await ledger.take([third])
    open_first = await watching.look()

    await ledger.take([first])
    still_open = await watching.look()
    await ledger.take([second])
    closed = await watching.look()
    watching.tell()

    assert [len(open_first), len(still_open), len(closed)] == [1, 1, 0]
    assert gaps_counted() == 0


async def test_the_first_version_can_be_the_missing_one(ledger: Ledger) -> None:
    await ledger.take(story(3)[1:])

    (gap,) = await watch(ledger).look()

    assert gap.version == 2


async def test_gaps_are_found_across_pages_and_after_a_restart(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completeness, "_PAGE", 3)
    history = story(12)
    await ledger.take(history[:4], history[5:8], history[9:])

    found = await watch(ledger).look()

    assert [gap.version for gap in found] == [6, 10]


async def test_a_restart_goes_on_where_the_last_watch_was_and_forgets_no_gap(ledger: Ledger) -> None:
    """Else each start reads the whole log, while commands wait for the same processors."""
    first, second, third = story(3)
    await ledger.take([first, third], story(4))
    open_before = await watch(ledger).look()
    kept = ledger.rows("SELECT seen, open FROM gap_watch")

    still_open = await watch(ledger).look()
    await ledger.take([second])
    closed = await watch(ledger).look()

    assert kept == [{"seen": 6, "open": [1]}]
    assert [gap.position for gap in open_before] == [gap.position for gap in still_open] == [1]
    assert closed == []
    assert ledger.rows("SELECT seen, open FROM gap_watch") == [{"seen": 7, "open": []}]


async def test_a_watch_begins_where_it_was_told(ledger: Ledger) -> None:
    """The control of the test above: what lies before is not read again."""
    await ledger.take(story(3)[1:], story(2))
    ledger.tamper("INSERT INTO gap_watch (seen, open) VALUES (1, '{}')")

    assert await watch(ledger).look() == []


async def test_an_instance_that_lags_behind_does_not_turn_back_the_watch(ledger: Ledger) -> None:
    await ledger.take(story(3))
    slow = watch(ledger)
    await slow.look()
    await ledger.take(story(3))
    await watch(ledger).look()
    ledger.tamper("UPDATE gap_watch SET seen = 9")
    await ledger.take(story(2))

    await slow.look()

    assert ledger.rows("SELECT seen FROM gap_watch") == [{"seen": 9}]


async def test_aggregates_of_different_types_do_not_fill_each_others_gaps(ledger: Ledger) -> None:
    one = event()
    other = event(2, aggregate_id=one["aggregate_id"], aggregate_type="command")

    await ledger.take([record(one), record(other)])

    assert [gap.aggregate_type for gap in await watch(ledger).look()] == ["command"]


async def test_a_gap_is_told_within_the_minute_that_a17_allows() -> None:
    assert completeness.GRACE_SECONDS + 2 * completeness.LOOK_SECONDS <= 60


async def test_a_refusal_that_a_gateway_told_and_nobody_recorded_is_named(ledger: Ledger) -> None:
    """A gateway has no outbox: its refusals are numbered for as long as it runs, whatever their types."""
    run = str(uuid4())
    told = [
        event(n, aggregate_type="gateway_run", aggregate_id=run, type=f"gateway.{kind}")
        for n, kind in enumerate(("refused", "refusals_dropped", "refused", "refused"), 1)
    ]

    await ledger.take([record(told[n], told[n]["type"]) for n in (0, 2, 3)])

    (gap,) = await watch(ledger).look()
    assert (gap.aggregate_type, str(gap.aggregate_id), gap.version) == ("gateway_run", run, 3)
