"""A changed allowlist is a fact although nobody sends a command (S1.19)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.partners import RecordRootAdmins
from deploy.local.stack import Stack
from services.chassis import OwnCommands
from services.partners.decisions.allowlist_watch import TOLD_AGAIN, AllowlistWatch
from services.wire.allowlist import Allowlist
from services.wire.kafka import make_producer
from services.wire.settings import OwnerSettings
from tests.partners.counter import Counter
from tests.partners.desk import ISSUER, person
from tests.support import ServiceProcess, Tables, eventually_true
from tests.support.records import service_key

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest_asyncio.fixture
async def own_commands(stack: Stack) -> AsyncIterator[OwnCommands]:
    settings = OwnerSettings(_env_file=str(stack.home.settings("partners")))  # type: ignore[call-arg]
    producer = make_producer(settings)
    await producer.start()
    yield OwnCommands(producer, "partners", service_key(stack, "partners"))
    await producer.stop()


class Listed:
    """A watch over a file of its own, with nobody who handles what it sends."""

    def __init__(self, engine: AsyncEngine, own_commands: OwnCommands, file: Path) -> None:
        self.file, self.counter = file, Counter(engine)
        self.write("a")
        self.watch = AllowlistWatch(engine, Allowlist(ISSUER, file=file), own_commands)

    def write(self, *subjects: str) -> None:
        self.file.write_text("".join(f"{subject}\n" for subject in subjects))

    async def recorded(self, *subjects: str) -> None:
        await self.counter.run(RecordRootAdmins(subjects=tuple(sorted(subjects))), person("partners"))


@pytest.fixture
def listed(engine: AsyncEngine, own_commands: OwnCommands, tmp_path: Path) -> Listed:
    return Listed(engine, own_commands, tmp_path / "root_admins")


async def test_a_list_that_is_recorded_is_not_told(listed: Listed) -> None:
    await listed.recorded("a")

    assert not await listed.watch.look(NOW)


async def test_a_change_is_told_at_once_and_only_once_while_it_is_on_its_way(listed: Listed) -> None:
    await listed.recorded("b")

    assert [await listed.watch.look(NOW) for _ in range(3)] == [True, False, False]


async def test_what_got_lost_is_told_again(listed: Listed) -> None:
    await listed.recorded("b")
    await listed.watch.look(NOW)

    assert not await listed.watch.look(NOW + TOLD_AGAIN - timedelta(seconds=1))
    assert await listed.watch.look(NOW + TOLD_AGAIN)


async def test_a_change_that_is_taken_back_while_the_first_is_on_its_way_is_recorded_in_the_end(listed: Listed) -> None:
    await listed.recorded("a")
    listed.write("a", "longer")
    assert await listed.watch.look(NOW)
    listed.write("a")
    assert not await listed.watch.look(NOW)

    await listed.recorded("a", "longer")

    assert await listed.watch.look(NOW)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 256 + b"\n"], ids=["no text", "a name nobody has"])
async def test_a_list_that_cannot_be_recorded_stops_nothing(listed: Listed, content: bytes) -> None:
    listed.file.write_bytes(content)

    assert not await listed.watch.look(NOW)


def test_an_edit_of_the_file_becomes_an_event_with_who_came_and_who_went(stack: Stack) -> None:
    allowlist, tables = stack.home.etc / "root_admin_subjects", Tables(stack, "partners")
    before, newcomer = allowlist.read_text(), f"root-{uuid4().hex[:8]}"
    with ServiceProcess(stack, "partners"):
        eventually_true(lambda: recorded(tables) == sorted(before.split()), "the list is recorded at start-up")
        try:
            allowlist.write_text(f"root-admin-2\n{newcomer}\n")
            changed = eventually_true(lambda: newest(tables, newcomer), "the change is recorded")
        finally:
            allowlist.write_text(before)
        eventually_true(lambda: recorded(tables) == sorted(before.split()), "and what it was before")

    assert changed["data"] == {"added": [newcomer], "removed": ["root-admin-1"]}
    assert (changed["actor"]["type"], changed["actor"]["subject"]) == ("system", "partners")


def recorded(tables: Tables) -> list[str]:
    rows = tables.rows("SELECT subjects FROM root_admins")
    return list(rows[0]["subjects"]) if rows else []


def newest(tables: Tables, subject: str) -> dict[str, Any]:
    rows = tables.rows("SELECT value FROM outbox WHERE topic = 'root_admins.changed' ORDER BY id DESC LIMIT 1")
    event = orjson.loads(rows[0]["value"]) if rows else {}
    return event if subject in event.get("data", {}).get("added", ()) else {}
