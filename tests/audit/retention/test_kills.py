"""A10: killed at any point, by hand or by the machine, a purge goes on where it was; two of them do no harm."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psycopg
import pytest

from services.audit import retention_plan
from services.audit.retention import Point
from tests.audit.retention.purging import PARTNER, Purging, hold, reading, told
from tests.audit.test_cli import environment

__all__ = ["environment"]
pytestmark = pytest.mark.asyncio

OLD = 600  # two parts
COMMAND = (sys.executable, "-m", "deploy.cli.app", "audit", "purge")


@pytest.fixture
def named(environment: Path, purging: Purging) -> Path:
    """The settings, with the login that may purge."""
    return told_the_login(environment, purging.remover.url.render_as_string(hide_password=False))


def told_the_login(file: Path, login: str) -> Path:
    lines = [line for line in file.read_text().splitlines() if "_RETENTION_D" not in line]
    file.write_text("\n".join([*lines, f"GATEHOUSE_RETENTION_DATABASE_URL={login}"]) + "\n")
    return file


async def run(file: Path, *options: str, crash: Path | None = None) -> tuple[int, str]:
    told = {"GATEHOUSE_SETTINGS": str(file)} | ({"GATEHOUSE_CRASH_FILE": str(crash)} if crash else {})
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *options, env=os.environ | told, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def delivering(purging: Purging) -> None:
    """The service beside it, until cancelled."""
    while True:
        await purging.deliver()
        await asyncio.sleep(0.05)


async def test_a_purge_that_is_killed_at_each_of_its_points_goes_on(
    purging: Purging, named: Path, tmp_path: Path
) -> None:
    await purging.ledger.take([reading() for _ in range(OLD)])
    purging.grow_older(400)
    service = asyncio.create_task(delivering(purging))
    crash, left = tmp_path / "crash", []

    for point in (Point.SAID, Point.REMOVED):
        crash.write_text(point)
        assert (await run(named, crash=crash))[0] == -signal.SIGKILL
        left.append(len(purging.stubs))
        assert (await purging.ledger.verify(page=500)).ok
    finished = await run(named)
    service.cancel()

    assert left == [0, 500]
    assert finished == (0, "100 events purged; nothing else is due\n")
    assert purging.ledger.value("SELECT count(*) FROM events WHERE type = 'audit.purged'") == 1
    report = await purging.ledger.verify(page=500)
    assert (report.ok, report.size) == (True, OLD + 1)


async def test_a_purge_that_dies_inside_a_part_has_not_begun_it(purging: Purging) -> None:
    await purging.ledger.take([reading() for _ in range(20)])
    purging.grow_older(400)
    assert await purging.retention().say()
    await purging.deliver()

    with psycopg.connect(purging.ledger.admin_dsn) as dying:
        removed = dying.execute("SELECT audit.purge_events()").fetchone()
        dying.rollback()

    assert removed == (20,)
    assert purging.stubs == []
    assert await purging.remove() == 20


async def test_many_instances_purge_each_event_once(purging: Purging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention_plan, "PART", 10)
    monkeypatch.setattr(retention_plan, "PARTS", 2)
    await purging.ledger.take([reading() for _ in range(90)])
    purging.grow_older(400)
    instances = [purging.retention() for _ in range(4)]

    while any(await asyncio.gather(*(instance.look() for instance in instances))):
        await purging.deliver()

    assert sum(instance.removed for instance in instances) == 90
    assert purging.ledger.value("SELECT count(*) FROM events WHERE type = 'audit.purged'") == 5
    assert (await purging.ledger.verify()).ok


async def test_an_operator_is_told_what_is_due_and_what_is_held(purging: Purging, named: Path) -> None:
    await purging.ledger.take([reading(), told("partner.approved", ("partner", PARTNER)), hold("partner", PARTNER)])
    purging.grow_older(4_000)

    status, out = await run(named, "--dry-run")

    assert status == 0
    assert [line.split() for line in out.splitlines()] == [
        ["evidence", "3653", "days", "0", "due", "1", "held"],
        ["access", "1827", "days", "0", "due", "0", "held"],
        ["refusal", "731", "days", "0", "due", "0", "held"],
        ["reading", "366", "days", "1", "due", "0", "held"],
    ]


async def test_without_the_login_nobody_purges(environment: Path) -> None:
    status, out = await run(told_the_login(environment, ""))

    assert status == 2
    assert "GATEHOUSE_RETENTION_DATABASE_URL is not set" in out
