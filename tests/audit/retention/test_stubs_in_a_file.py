"""A10, A8: a log with stubs as a file, checked with the public key alone."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from services.audit import log_file, retention_plan
from services.audit.log_export import entries
from services.audit.log_file import FileCheck, FileReport, write
from tests.audit.ledger import story
from tests.audit.retention.purging import PARTNER, Purging, hold, reading, release, told

pytestmark = pytest.mark.asyncio


async def exported(purging: Purging) -> list[bytes]:
    """Head, four lines told ahead (two holds, two purges), events 0 to 17, the seals between."""
    ledger = purging.ledger
    await ledger.take(
        [reading(), reading(), told("audit.read", ("partner", PARTNER)), reading()],
        [hold("partner", PARTNER), reading(), reading()],
    )
    purging.grow_older(400)
    await ledger.take(story(2))
    await purging.purge()
    await ledger.take([release("partner", PARTNER)])
    await purging.purge()
    assert purging.stubs == [0, 1, 2, 3, 5, 6]
    return [line async for line in write(ledger.signer.name, entries(ledger.admin_dsn))]


def checked(purging: Purging, lines: list[bytes]) -> FileReport:
    return FileCheck(purging.ledger.signer.verifier).read(lines)


def index_of(lines: list[bytes], position: int) -> int:
    """The line of an event."""
    events = [at for at, line in enumerate(lines) if line.startswith((b'{"raw"', b'{"stub"'))]
    return events[position]


def changed(line: bytes, **values: Any) -> bytes:
    return orjson.dumps(orjson.loads(line) | values) + b"\n"


Change = Callable[[list[bytes]], list[bytes]]


def at(position: int, change: Callable[[bytes], bytes | None]) -> Change:
    def apply(lines: list[bytes]) -> list[bytes]:
        line = index_of(lines, position)
        new = change(lines[line])
        return [*lines[:line], *([] if new is None else [new]), *lines[line + 1 :]]

    return apply


def bent(line: bytes, nth: int, value: Any) -> bytes:
    stub = orjson.loads(line)["stub"]
    stub[nth] = value
    return changed(line, stub=stub)


FORGED_EVENT = orjson.dumps({"raw": "Zm9yZ2Vk"}) + b"\n"
FORGED_STUB = (
    orjson.dumps(
        {
            "stub": ["id", "audit.read", 1, "reading", "id", 1, 1_600_000_000_000_000, ""],
            "leaf": "00" * 32,
            "by": 9,
        }
    )
    + b"\n"
)
LOCATED: dict[str, tuple[Change, int]] = {
    "an event emptied in the purge's name": (at(4, lambda _: FORGED_STUB), 4),
    "a stub with another leaf hash": (at(1, lambda line: changed(line, leaf="00" * 32)), 1),
    "a stub in another's name": (at(1, lambda line: changed(line, by=7)), 1),
    "a stub of another type": (at(1, lambda line: bent(line, 1, "session.opened")), 1),
    "a stub of another aggregate": (at(1, lambda line: bent(line, 4, "no such aggregate")), 0),
    "a stub with other marks": (at(1, lambda line: bent(line, 7, "00" * 16)), 0),
    "a stub taken out": (at(1, lambda _: None), 1),
    "a stub given other bytes": (at(1, lambda _: FORGED_EVENT), 1),
    "nothing told ahead": (lambda lines: [line for line in lines if not line.startswith(b'{"ahead"')], 0),
    "a hold not told ahead": (lambda lines: [lines[0], *lines[2:]], 4),
    "a purge not told ahead": (lambda lines: [*lines[:2], *lines[3:]], 0),
    "told ahead what does not come": (
        lambda lines: [*lines[:4], changed(lines[4], ahead=999), *lines[5:]],
        2,
    ),
    "told ahead in the wrong order": (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 0),
    "told ahead too late": (lambda lines: [lines[0], *lines[2:6], lines[1], *lines[6:]], 1),
    "cut before the purge": (lambda lines: lines[: index_of(lines, 9)], 0),
}


async def test_what_was_changed_is_named(purging: Purging) -> None:
    lines = await exported(purging)

    for how, (change, position) in LOCATED.items():
        report = checked(purging, change(lines))
        assert (report.ok, report.position) == (False, position), (how, report)
        assert report.proven <= position, how

    assert checked(purging, lines).ok  # control


async def test_no_byte_of_a_stub_or_of_what_is_told_ahead_can_be_altered(purging: Purging) -> None:
    lines = await exported(purging)
    stubs = [index_of(lines, position) for position in (0, 3, 6)]

    for at_line in (*stubs, 1, 3):
        line = lines[at_line]
        for byte in range(len(line)):
            file = [*lines[:at_line], line[:byte] + bytes([line[byte] ^ 1]) + line[byte + 1 :], *lines[at_line + 1 :]]
            assert not checked(purging, file).ok, (at_line, byte)


async def test_a_purge_that_is_under_way_is_no_tampering(purging: Purging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention_plan, "PART", 2)
    ledger = purging.ledger
    await ledger.take([reading() for _ in range(6)])
    purging.grow_older(400)
    assert await purging.retention().say()
    await purging.deliver()
    ledger.rows("SELECT purge_events()", role="audit_retention")

    lines = [line async for line in write(ledger.signer.name, entries(ledger.admin_dsn))]

    assert purging.stubs == [0, 1]
    assert checked(purging, lines).ok
    assert (await ledger.verify()).ok


async def test_a_file_of_the_first_version_is_still_read(purging: Purging) -> None:
    await purging.ledger.take(story(3))
    lines = [line async for line in write(purging.ledger.signer.name, entries(purging.ledger.admin_dsn))]

    older = [changed(lines[0], format=log_file.FORMATS[0]), *lines[1:]]

    assert lines[0] != older[0]
    assert checked(purging, older).ok
