"""The sequencer against real PostgreSQL: positions, duplicates, competitors, poison, outages."""

import asyncio
import hashlib
from typing import Any
from uuid import uuid4

import orjson
import pytest

from services.audit.log import LogCorruptError, Sequencer
from services.chassis.database import connect
from services.chassis.dead_letters import bury
from tests.audit.ledger import PHONE, TOPIC, Ledger, event, record, story

pytestmark = pytest.mark.asyncio


async def test_events_get_the_next_positions_as_received_and_keep_their_exact_bytes(ledger: Ledger) -> None:  # A5
    spaced = orjson.dumps(event(), option=orjson.OPT_INDENT_2) + b"\n"
    batch = [*story(3), record(spaced)]

    await ledger.take(batch[:1], batch[1:])

    rows = ledger.rows("SELECT position, raw, leaf_hash FROM events ORDER BY position")
    assert [row["position"] for row in rows] == [0, 1, 2, 3]
    assert [row["raw"] for row in rows] == [delivered.value for delivered in batch]
    assert all(row["leaf_hash"] == hashlib.sha256(b"\0" + row["raw"]).digest() for row in rows)


async def test_columns_say_what_the_bytes_say(ledger: Ledger) -> None:  # A1
    told = event(outcome="REJECTED", reason_code="PARTNER_STATE_INVALID")

    await ledger.take([record(told)])

    (row,) = ledger.rows("SELECT * FROM events")
    assert (str(row["id"]), row["type"], str(row["aggregate_id"])) == (told["id"], TOPIC, told["aggregate_id"])
    assert (row["actor_type"], row["actor_issuer"], row["actor_subject"]) == ("user", "https://id.example", "maria")
    assert (str(row["command_id"]), row["request_id"]) == (told["context"]["command_id"], "req-1")
    assert (row["outcome"], row["reason_code"]) == ("REJECTED", "PARTNER_STATE_INVALID")
    assert row["occurred_at"].isoformat() == "2026-11-22T12:00:00.000001+00:00"


async def test_one_batch_ends_in_one_signed_checkpoint_over_everything_so_far(ledger: Ledger) -> None:  # A6
    await ledger.take(story(3), story(2))

    sizes = [ledger.signer.verifier.checkpoint(note).size for note in ledger.notes]
    assert sizes == [3, 5]
    assert (await ledger.verify()).ok
    assert len(ledger.commits) == 2


async def test_every_message_delivered_three_times_is_recorded_once(ledger: Ledger) -> None:
    batch = story(4)
    await ledger.take(batch)
    before = ledger.rows("SELECT * FROM events"), ledger.rows("SELECT * FROM checkpoints")

    await ledger.take(batch, [*batch, *batch], batch[2:])

    assert before == (ledger.rows("SELECT * FROM events"), ledger.rows("SELECT * FROM checkpoints"))
    assert len(ledger.commits) == 1


async def test_a_duplicate_within_one_poll_is_recorded_once_and_the_new_beside_it_too(ledger: Ledger) -> None:
    first, second = story(2)

    await ledger.take([first, first, second, first])

    assert ledger.positions == [0, 1]
    assert (await ledger.verify()).ok


async def test_competing_sequencers_share_out_gap_free_positions(ledger: Ledger) -> None:
    batches = [story(7) for _ in range(24)]
    engines = [connect(str(ledger.engine.url.render_as_string(hide_password=False))) for _ in range(3)]
    sequencers = [Sequencer(engine, ledger.signer, lambda: None) for engine in engines]

    async def work(sequencer: Sequencer, own: list[list[Any]]) -> None:
        for batch in own:
            await sequencer(batch)

    # each batch goes to two of the three, as after a rebalance
    await asyncio.gather(*(work(sequencer, batches[n * 8 :] + batches) for n, sequencer in enumerate(sequencers)))
    await asyncio.gather(*(engine.dispose() for engine in engines))

    assert ledger.positions == list(range(24 * 7))
    assert (await ledger.verify()).ok


IMPOSSIBLE = {
    "nothing": None,
    "no bytes": b"",
    "broken JSON": b'{"id": ',
    "bad UTF-8": orjson.dumps(event()).replace(b"Nordhafen", b"\xff\xfe"),
    "a list": b"[]",
    "not a number of JSON": orjson.dumps(event()).replace(b'"Nordhafen OTC"', b"NaN"),
    "too deep": orjson.dumps(event()).replace(b'"Nordhafen OTC"', b"[" * 5000 + b"]" * 5000),
    "without an id": {name: value for name, value in event().items() if name != "id"},
    "an id that is none": event(id="42"),
    "an id in capitals": event(id=str(uuid4()).upper()),
    "version 0": event(0),
    "a version beyond any": event(2**40),
    "a version as text": event(aggregate_version="1"),
    "a time without zone": event(occurred_at="2026-11-22T12:00:00"),
    "a time before computers": event(occurred_at="0001-01-01T00:00:00+01:00"),
    "an unknown outcome": event(outcome="MAYBE"),
    "no actor": event(actor=None),
    "a zero byte in the subject": event(actor={"type": "user", "issuer": None, "subject": "a\0b"}),
    "a target too long to index": event(targets=[{"type": "partner", "id": "x" * 300}]),
    "another topic's event": event(type="partner.approved"),
}


@pytest.mark.parametrize("value", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
async def test_what_is_no_event_is_buried_whole_and_its_neighbours_recorded(ledger: Ledger, value: object) -> None:
    before, after = story(2)
    poison = record(value, offset=77)  # type: ignore[arg-type]

    await ledger.take([before, poison, after])

    (letter,) = ledger.letters
    assert (letter["topic"], letter["position"], letter["value"]) == (TOPIC, 77, poison.value)
    assert ledger.positions == [0, 1]
    assert (await ledger.verify()).ok


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"data": {"text": "zero \0 byte"}}, id="a zero byte in the data, which JSONB would refuse"),
        pytest.param({"data": {"text": "NaN to Infinity"}}, id="words that are no numbers"),
        pytest.param({"data": {"text": "é — 漢字 🏦"}}, id="text of all kinds"),
        pytest.param({"data": {"blob": "x" * 2_000_000}}, id="two megabytes"),
        pytest.param({"targets": []}, id="about nothing"),
        pytest.param({"targets": [{"type": "a", "id": "b"}] * 3}, id="the same target three times"),
        pytest.param({"occurred_at": "2026-11-22T13:00:00.123456789+01:00"}, id="another spelling of the time"),
        pytest.param({"new_field": {"of": "a later version"}}, id="a field we do not know"),
        pytest.param({"actor": {"type": "system", "subject": "sla-timer", "shift": 2}}, id="a system actor"),
    ],
)
async def test_unusual_but_valid_events_are_recorded_and_verify(ledger: Ledger, changes: dict[str, object]) -> None:
    await ledger.take([record(event(**changes))])

    assert ledger.positions == [0]
    assert ledger.letters == []
    assert (await ledger.verify()).finding is None


async def test_another_event_under_a_known_id_is_kept_as_evidence_and_never_recorded(ledger: Ledger) -> None:
    told = event()
    forged = record(told | {"outcome": "REJECTED"}, offset=5)

    await ledger.take([record(told), forged], [forged])

    assert ledger.value("SELECT outcome FROM events") == "SUCCEEDED"
    assert [letter["position"] for letter in ledger.letters] == [5]


async def test_a_value_that_only_the_database_refuses_is_buried_alone(ledger: Ledger) -> None:
    """The envelope should make this impossible; if it ever does not, the neighbours still get in."""
    first, second = story(2)
    poison = record(event(actor={"type": "user", "issuer": None, "subject": PHONE}), offset=9)
    ledger.rows("ALTER TABLE events ALTER actor_subject TYPE varchar(8)")

    await ledger.take([first, poison, second])

    (letter,) = ledger.letters
    assert letter["position"] == 9
    assert PHONE not in letter["error"]
    assert ledger.positions == [0, 1]


async def test_a_database_that_is_away_is_waited_for_and_nothing_is_skipped(ledger: Ledger) -> None:
    broken = record(b"poison")
    await ledger.take(story(1))
    ledger.let_connect(allowed=False)

    waiting = asyncio.create_task(ledger.take([*story(3), broken]))
    done, _ = await asyncio.wait([waiting], timeout=1.0)
    ledger.let_connect(allowed=True)
    await asyncio.wait_for(waiting, 20)

    assert not done
    assert ledger.positions == [0, 1, 2, 3]
    assert len(ledger.letters) == 1


async def test_a_head_that_was_not_signed_is_never_extended(ledger: Ledger) -> None:
    await ledger.take(story(3))
    ledger.tamper("UPDATE checkpoints SET range_hashes[1] = sha256('another history')")

    with pytest.raises(LogCorruptError):
        await ledger.take(story(1))

    assert ledger.positions == [0, 1, 2]


async def test_a_log_whose_events_outran_its_checkpoint_is_not_overwritten(ledger: Ledger) -> None:
    await ledger.take(story(2), story(2))
    ledger.tamper("DELETE FROM checkpoints WHERE size = 4")

    with pytest.raises(Exception, match="events_pkey"):
        await ledger.take(story(1))

    assert ledger.positions == [0, 1, 2, 3]


async def test_burying_the_same_record_after_a_redelivery_keeps_one_letter(ledger: Ledger) -> None:
    poison = record(b"poison")

    await ledger.take([poison], [poison])
    await bury(ledger.engine, poison, "again", tries=1)

    assert len(ledger.letters) == 1
