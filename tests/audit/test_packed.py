"""A page is taken as a whole only where every column says what the bytes say; no trick with texts gets past that."""

import random
from typing import Any, LiteralString

import pytest

from services.audit import packed
from services.audit.report import Kind
from services.audit.verify import Verification
from tests.audit.as_of.comparing import record_lives
from tests.audit.as_of.partner_life import PartnerLife
from tests.audit.as_of.tenant_life import TenantLife
from tests.audit.ledger import Ledger, event, record

pytestmark = pytest.mark.asyncio

UNIT, RECORD = "\x1f", "\x1e"


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows were looked at value by value, call by call."""
    seen: list[int] = []
    feed = Verification.feed

    def remember(self: Verification, rows: Any, *beside: Any) -> Any:
        if rows:
            seen.append(len(rows))
        return feed(self, rows, *beside)

    monkeypatch.setattr(Verification, "feed", remember)
    return seen


def by(subject: str, issuer: str | None = "https://id.example") -> dict[str, Any]:
    return {"type": "user", "issuer": issuer, "subject": subject}


async def test_what_our_services_tell_is_compared_page_by_page(ledger: Ledger, one_by_one: list[int]) -> None:
    dice = random.Random(3)  # noqa: S311
    await record_lives(ledger, [PartnerLife(dice, 20), TenantLife(dice, 20)], dice)
    moments = ("2026-11-22T12:00:00Z", "2026-11-22T12:00:00.500000Z", "2026-11-22T12:00:10.000010Z")
    await ledger.take([record(event(occurred_at=moment)) for moment in moments])
    await ledger.take([record(event(actor=by("é\u2028𝄞"), targets=[])), record(event(actor=by("n", None)))])

    report = await ledger.verify(page=100)

    assert report.ok
    assert one_by_one == []


UNUSUAL: dict[str, dict[str, Any]] = {
    "a moment of another zone": {"occurred_at": "2026-11-22T14:00:00+02:00"},
    "a separator in a value": {"actor": by(f"maria{UNIT}eve")},
    "the end of a target in a target": {"targets": [{"type": "partner", "id": f"p{RECORD}q"}]},
    "a separator in a target": {"targets": [{"type": "partner", "id": f"p{UNIT}q"}]},
}


@pytest.mark.parametrize("unusual", UNUSUAL.values(), ids=UNUSUAL)
async def test_what_is_spelled_unusually_is_looked_at_value_by_value(
    ledger: Ledger, one_by_one: list[int], unusual: dict[str, Any]
) -> None:
    await ledger.take([record(event()), record(event(**unusual)), record(event())])

    report = await ledger.verify(page=100)

    assert report.ok
    assert one_by_one == [3]


LAX: LiteralString = """
    ALTER TABLE events DROP CONSTRAINT IF EXISTS events_whole_or_purged;
    ALTER TABLE event_targets DROP CONSTRAINT event_targets_pkey;
    ALTER TABLE event_targets ALTER type DROP NOT NULL, ALTER id DROP NOT NULL
"""
TRICKS: dict[str, LiteralString] = {
    "a value moved into the column before it": """
        UPDATE events SET request_id = request_id || E'\\x1f' || outcome, outcome = NULL WHERE position = 1""",
    "a value moved, and the rest filled": """
        UPDATE events SET actor_subject = actor_subject || E'\\x1f' || command_id, command_id = gen_random_uuid()
        WHERE position = 1""",
    "a NULL told as the mark of a NULL": "UPDATE events SET reason_code = 'n' WHERE position = 1",
    "a value told as NULL": "UPDATE events SET actor_issuer = NULL WHERE position = 1",
    "a row told by the row before it": """
        UPDATE events SET request_id = NULL WHERE position = 1;
        UPDATE events SET reason_code = E'A\\x1e1' WHERE position = 0""",
    "a microsecond": "UPDATE events SET occurred_at = occurred_at + interval '1 microsecond' WHERE position = 1",
    "a time without end": "UPDATE events SET occurred_at = 'infinity' WHERE position = 1",
    "no leaf hash": """
        ALTER TABLE events ALTER leaf_hash DROP NOT NULL; UPDATE events SET leaf_hash = NULL WHERE position = 1""",
}
ON_TARGETS: dict[str, LiteralString] = {
    "a target that is NULL": "INSERT INTO event_targets VALUES ('partner', NULL, 1)",
    "two targets told as one": """
        UPDATE event_targets SET id = id || E'\\x1e2\\x1fpartner\\x1f' || (
            SELECT id FROM event_targets WHERE position = 2) WHERE position = 1;
        DELETE FROM event_targets WHERE position = 2""",
    "a kind moved into the id": "UPDATE event_targets SET type = '', id = type || E'\\x1f' || id WHERE position = 1",
}


@pytest.mark.parametrize("trick", [*TRICKS.values(), *ON_TARGETS.values()], ids=[*TRICKS, *ON_TARGETS])
@pytest.mark.parametrize("page", [2, 100])
async def test_no_trick_with_texts_hides_a_change(ledger: Ledger, trick: LiteralString, page: int) -> None:
    await ledger.take([record(event(reason_code="A", aggregate_version=1)) for _ in range(4)])
    ledger.tamper(*LAX.split(";"), *trick.split(";"))

    report = await ledger.verify(page=page)

    assert report.finding
    assert report.finding.position in {0, 1}
    assert report.finding.kind in {Kind.COLUMN_DIFFERS, Kind.TARGET_DIFFERS, Kind.ALTERED}


async def test_a_page_of_which_one_text_is_not_looked_at_lets_a_change_through(  # the control
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ledger.take([record(event()) for _ in range(4)])
    ledger.tamper("UPDATE events SET request_id = 'another' WHERE position = 1")
    found = (await ledger.verify(page=100)).finding
    monkeypatch.setattr(packed, "EVENTS", packed.EVENTS.replace("request_id ||", "'req-1' ||"))
    monkeypatch.setattr("services.audit.scan.EVENTS", packed.EVENTS)

    unseen = (await ledger.verify(page=100)).finding

    assert found
    assert found.position == 1
    assert unseen is None
