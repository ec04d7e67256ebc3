"""A14: whatever is asked, the log answers like a plain loop over its events."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID, uuid4

import orjson
import pytest

from contracts.audit import ListEvents
from contracts.failures import Code
from services.audit import search
from services.chassis import Refusal
from tests.audit.asking import Asking
from tests.audit.ledger import Ledger, event, record, story

pytestmark = pytest.mark.asyncio

TYPES = ("partner.submitted", "partner.approved", "partner.refused")
PEOPLE = ("maria", "eve", "urn:x", "partner:p", "auth0|7")
IDS = ("p", "q", "urn:x", "maria", "x")
KINDS = ("partner", "person", "urn", "tenant")
TENANTS = tuple(UUID(int=n, version=4) for n in range(2))
AGGREGATES = tuple(UUID(int=n, version=4) for n in range(5, 8))
US = timedelta(microseconds=1)


async def fill(ledger: Ledger, chance: random.Random, batches: int = 12) -> None:
    """Events of few people about few things, so that filters meet; each batch has its own moment."""
    for _ in range(batches):
        await ledger.take([_random_event(chance) for _ in range(chance.randint(1, 14))])


def _random_event(chance: random.Random) -> Any:
    kind = chance.choice(TYPES)
    targets = [{"type": chance.choice(KINDS), "id": chance.choice(IDS)} for _ in range(chance.randint(0, 3))]
    targets += [{"type": "tenant", "id": str(tenant)} for tenant in TENANTS if chance.random() < 0.3]
    document = event(
        chance.randint(1, 9),
        chance.choice(AGGREGATES),
        type=kind,
        actor={"type": "user", "issuer": "https://id.example", "subject": chance.choice(PEOPLE)},
        targets=targets,
        outcome=chance.choice(("SUCCEEDED", "SUCCEEDED", "REJECTED", "FAILED")),
    )
    return record(document, topic=kind)


Row = dict[str, Any]
NAIVE: dict[str, Callable[[Row, Any], bool]] = {
    "target": lambda row, wanted: any(wanted in (one["id"], f"{one['type']}:{one['id']}") for one in row["targets"]),
    "target_id": lambda row, wanted: {"type": "partner", "id": wanted} in row["targets"],
    "aggregate_id": lambda row, wanted: row["aggregate_id"] == str(wanted),
    "tenant_id": lambda row, wanted: {"type": "tenant", "id": str(wanted)} in row["targets"],
    "person": lambda row, wanted: wanted in (row["actor"]["subject"], *(one["id"] for one in row["targets"])),
    "actor": lambda row, wanted: row["actor"]["subject"] == wanted,
    "action": lambda row, wanted: row["type"] == wanted,
    "outcome": lambda row, wanted: row["outcome"] == wanted,
    "recorded_from": lambda row, wanted: row["recorded_at"] >= wanted,
    "recorded_to": lambda row, wanted: row["recorded_at"] < wanted,
    "as_of": lambda row, wanted: row["recorded_at"] <= wanted,
}


def rows_of(ledger: Ledger) -> list[Row]:
    stored = ledger.rows("SELECT position, recorded_at, raw FROM events ORDER BY position")
    return [
        orjson.loads(row["raw"]) | {"position": row["position"], "recorded_at": row["recorded_at"]} for row in stored
    ]


def random_filters(chance: random.Random, rows: list[Row]) -> dict[str, Any]:
    moments = sorted(chance.choice(rows)["recorded_at"] + chance.choice((-US, timedelta(0), US)) for _ in range(3))
    begin, end, later = moments
    values = {
        "target": chance.choice((*IDS, *(f"{kind}:{name}" for kind in KINDS for name in IDS))),
        "target_id": chance.choice(IDS),
        "aggregate_id": chance.choice(AGGREGATES),
        "tenant_id": chance.choice(TENANTS),
        "person": chance.choice(PEOPLE),
        "actor": chance.choice((*PEOPLE, "nobody")),
        "action": chance.choice(TYPES),
        "outcome": chance.choice(("SUCCEEDED", "REJECTED", "FAILED")),
        "recorded_from": begin,
        "recorded_to": end,
        "as_of": chance.choice((end, later)) if chance.random() < 0.5 else begin,
    }
    return {name: values[name] for name in chance.sample(list(values), chance.choice((0, 1, 1, 2, 2, 3)))}


async def differences(ledger: Ledger, chance: random.Random, questions: int) -> list[dict[str, Any]]:
    """The questions that the log answers in another way than the loop."""
    rows, differ = rows_of(ledger), []
    asking = Asking(ledger)
    for _ in range(questions):
        filters = random_filters(chance, rows)
        expected = [row["position"] for row in rows if all(NAIVE[name](row, filters[name]) for name in filters)]
        given = filters | ({"target_type": "partner"} if "target_id" in filters else {})
        if await asking.positions(**given, limit=chance.choice((1, 7, 100))) != expected:
            differ.append(filters)
    return differ


async def test_every_filter_and_any_of_them_together_equal_a_plain_loop(ledger: Ledger) -> None:  # A14
    chance = random.Random(46)  # noqa: S311
    await fill(ledger, chance)

    assert await differences(ledger, chance, questions=250) == []


FAULTS: dict[str, tuple[str, str, str]] = {
    "the end of a range is let in": ("recorded_to", "<", "<="),
    "the beginning of a range is left out": ("recorded_from", "created_at <", "created_at <="),
    "the very instant is left out": ("as_of", "created_at <=", "created_at <"),
    "an action is only a beginning": ("action", "e.type = {}", "e.type >= {}"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_filter_that_is_slightly_wrong_is_noticed(  # the control
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, fault: tuple[str, str, str]
) -> None:
    name, right, wrong = fault
    chance = random.Random(46)  # noqa: S311
    await fill(ledger, chance, batches=6)
    condition = search.CONDITIONS[name]
    assert right in condition
    monkeypatch.setitem(search.CONDITIONS, name, condition.replace(right, wrong))

    assert await differences(ledger, chance, questions=120)


async def test_pages_stay_in_step_while_the_log_grows_between_them(ledger: Ledger) -> None:
    chance = random.Random(47)  # noqa: S311
    await fill(ledger, chance, batches=4)
    asking, seen = Asking(ledger), list[int]()

    page = await asking.page(actor="maria", limit=2)
    for _ in range(6):
        seen += [told.position for told in page.data]
        await fill(ledger, chance, batches=1)
        page = await asking.page(actor="maria", limit=2, starting_after=seen[-1])
    while page.data:
        seen += [told.position for told in page.data]
        page = await asking.page(actor="maria", limit=2, starting_after=seen[-1])

    assert seen == [row["position"] for row in rows_of(ledger) if row["actor"]["subject"] == "maria"]


async def test_a_page_goes_on_after_the_id_of_an_event_too(ledger: Ledger) -> None:
    await ledger.take(story(3))
    first, second, third = (await Asking(ledger).page()).data

    page = await Asking(ledger).page(starting_after=first.id)

    assert page.data == (second, third)


async def test_an_id_that_is_no_event_is_no_cursor(ledger: Ledger) -> None:
    outcome = await Asking(ledger).ask(ListEvents(starting_after=uuid4()))

    assert isinstance(outcome, Refusal)
    assert outcome.code is Code.CURSOR_INVALID


async def test_a_range_that_ends_before_it_begins_is_refused(ledger: Ledger) -> None:  # AUDIT_RANGE_INVALID
    now = datetime.now(UTC)

    outcome = await Asking(ledger).ask(ListEvents(recorded_from=now, recorded_to=now - US))

    assert isinstance(outcome, Refusal)
    assert outcome.code is Code.AUDIT_RANGE_INVALID
    assert await Asking(ledger).positions(recorded_from=now, recorded_to=now) == []


async def test_a_range_that_begins_after_the_instant_asked_for_is_refused(ledger: Ledger) -> None:
    now = datetime.now(UTC)

    outcome = await Asking(ledger).ask(ListEvents(recorded_from=now, as_of=now - US))

    assert isinstance(outcome, Refusal)
    assert outcome.code is Code.AUDIT_RANGE_INVALID
    assert await Asking(ledger).positions(recorded_from=now, as_of=now) == []


async def test_pages_as_of_an_instant_stay_the_same_while_the_log_grows(ledger: Ledger) -> None:
    chance = random.Random(48)  # noqa: S311
    await fill(ledger, chance, batches=4)
    then = rows_of(ledger)
    asking, seen = Asking(ledger), list[int]()

    page = await asking.page(as_of=then[-1]["recorded_at"], limit=3)
    while page.data:
        seen += [told.position for told in page.data]
        await fill(ledger, chance, batches=1)
        page = await asking.page(as_of=then[-1]["recorded_at"], limit=3, starting_after=seen[-1])

    assert seen == [row["position"] for row in then]


async def test_recorded_time_never_goes_back_even_where_the_clock_does(ledger: Ledger) -> None:  # A16
    ahead: LiteralString = "UPDATE {} SET {} = {} + interval '1 hour'"
    await ledger.take(story(2))
    ledger.tamper(
        ahead.format("events", "recorded_at", "recorded_at"), ahead.format("checkpoints", "created_at", "created_at")
    )

    await ledger.take(story(2), story(1))

    moments = [row["recorded_at"] for row in rows_of(ledger)]
    assert moments == sorted(moments)
    assert (await ledger.verify()).ok
