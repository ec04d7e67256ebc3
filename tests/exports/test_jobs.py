"""The life of an export in a service: made by a process of its own, tried again, given up, expired, whoever is killed.

A service runs on the real stack; what it is asked for goes over the bus as the gateway would send it.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from botocore.exceptions import ClientError

from contracts.export_messages import AUDIT
from contracts.exports import DatasetName, ExportFormat
from contracts.roles import Role
from deploy.local.objects import client
from deploy.local.stack import Stack
from deploy.local.state import EXPORTS
from services.exports.points import ExportPoint, JobPoint
from services.exports.worker import MOST_TRIES, pause_after
from tests.support import Bus, ServiceProcess, Tables, eventually, person
from tests.support.export_cases import NO_EXPORT_JOBS

NO_BUCKET = {"GATEHOUSE_EXPORT_BUCKET": "no-such-bucket"}
MADE_SECONDS = 90.0


def row(stack: Stack, export_id: UUID) -> dict[str, Any]:
    return Tables(stack, "audit").rows("SELECT * FROM exports WHERE id = %s", export_id)[0]


def in_state(stack: Stack, export_id: UUID, state: str) -> Callable[[], bool]:
    return lambda: row(stack, export_id)["state"] == state


def told(stack: Stack, export_id: UUID) -> list[str]:
    """The topics of its events, in the order of their versions; those are checked to be without a gap."""
    events = Tables(stack, "audit").rows(
        "SELECT topic, version FROM outbox WHERE aggregate_id = %s ORDER BY version", export_id
    )
    assert [event["version"] for event in events] == list(range(1, len(events) + 1))
    return [event["topic"].removeprefix("audit.export_") for event in events]


def tellers(stack: Stack, export_id: UUID) -> dict[str, str]:
    """What kind of actor each of its events names."""
    kinds = "SELECT topic, convert_from(value, 'UTF8')::json -> 'actor' ->> 'type' AS kind FROM outbox"
    events = Tables(stack, "audit").rows(f"{kinds} WHERE aggregate_id = %s", export_id)
    return {event["topic"]: event["kind"] for event in events}


async def asked(bus: Bus, **bent: Any) -> UUID:
    auditor = person(bus.stack, f"anna-{uuid4().hex[:8]}", Role.AUDITOR)
    wanted = AUDIT.start(dataset=DatasetName.EVENTS, format=ExportFormat.JSONL)
    answer = await bus.ask(wanted, auditor, **bent)
    assert answer.status == 202, answer
    return UUID(answer.json["id"])


def is_in_bucket(stack: Stack, export_id: UUID) -> bool:
    try:
        client(stack.state).head_object(Bucket=EXPORTS, Key=f"audit/{export_id}.jsonl")
    except ClientError:
        return False
    return True


def due_now(stack: Stack, export_id: UUID) -> None:
    with Tables(stack, "audit").connection() as tables:
        tables.execute("UPDATE exports SET next_try_at = now() WHERE id = %s", (export_id,))


@pytest.mark.parametrize(
    "point",
    [
        JobPoint.BEFORE_REPORT,
        pytest.param(JobPoint.AFTER_CLAIM, marks=pytest.mark.faults),
        pytest.param(JobPoint.AFTER_REPORT, marks=pytest.mark.faults),
    ],
    ids=str,
)
async def test_a_service_killed_in_the_middle_of_a_job_comes_back_and_finishes_it_once(
    stack: Stack, point: JobPoint
) -> None:
    async with Bus.of(stack) as bus:
        with ServiceProcess(stack, "audit", supervised=True) as audit:
            audit.crash.arm(point)
            export_id = await asked(bus)
            await eventually(lambda: audit.crash.happened, f"it dies at {point}", MADE_SECONDS)
            due_now(stack, export_id)

            await eventually(in_state(stack, export_id, "READY"), "the file is made", MADE_SECONDS)
            made = row(stack, export_id)

    assert told(stack, export_id) == ["requested", "finished"]
    assert is_in_bucket(stack, export_id)
    assert (made["failure"], len(made["sha256"])) == (None, 64)


async def test_a_child_that_dies_is_run_again_and_makes_the_same_file(stack: Stack) -> None:
    async with Bus.of(stack) as bus:
        with ServiceProcess(stack, "audit") as audit:
            audit.crash.arm(ExportPoint.AFTER_COMPLETE)
            export_id = await asked(bus)
            await eventually(lambda: audit.crash.happened, "the child dies", MADE_SECONDS)
            await eventually(lambda: row(stack, export_id)["tries"] == 1, "the try is counted")
            before = client(stack.state).head_object(Bucket=EXPORTS, Key=f"audit/{export_id}.jsonl")["ETag"]
            due_now(stack, export_id)
            await eventually(in_state(stack, export_id, "READY"), "the file is made", MADE_SECONDS)

    after = client(stack.state).head_object(Bucket=EXPORTS, Key=f"audit/{export_id}.jsonl")["ETag"]
    assert after == before
    assert told(stack, export_id) == ["requested", "finished"]


async def test_two_instances_make_a_file_once(stack: Stack) -> None:
    async with Bus.of(stack) as bus:
        with ServiceProcess(stack, "audit") as one, ServiceProcess(stack, "audit", instance=1) as other:
            export_id = await asked(bus)
            await eventually(in_state(stack, export_id, "READY"), "the file is made", MADE_SECONDS)
            made = [line for process in (one, other) for line in process.lines("export.made")]

    assert [line["export_id"] for line in made] == [str(export_id)]
    assert told(stack, export_id) == ["requested", "finished"]
    assert tellers(stack, export_id) == {"audit.export_requested": "user", "audit.export_finished": "system"}


@pytest.mark.faults
async def test_after_the_last_try_it_has_failed_and_says_why(stack: Stack) -> None:
    async with Bus.of(stack) as bus:
        with ServiceProcess(stack, "audit", env=NO_BUCKET):
            export_id = await asked(bus)
            await eventually(lambda: row(stack, export_id)["tries"] == 1, "the first try", MADE_SECONDS)
            first = row(stack, export_id)
            with Tables(stack, "audit").connection() as tables:
                tables.execute(
                    "UPDATE exports SET tries = %s, next_try_at = now() WHERE id = %s", (MOST_TRIES - 1, export_id)
                )
            await eventually(in_state(stack, export_id, "FAILED"), "it is given up", MADE_SECONDS)

    assert first["state"] == "RUNNING"
    assert "StoreError" in row(stack, export_id)["failure"]
    assert told(stack, export_id) == ["requested", "failed"]
    left: int = Tables(stack, "audit").value("SELECT count(*) FROM export_parts WHERE export_id = %s", export_id)
    assert left == 0


def test_between_tries_there_is_time_for_a_store_to_come_back() -> None:
    pauses = [pause_after(tries).total_seconds() for tries in range(MOST_TRIES - 1)]

    assert pauses == [10, 30, 90, 270]


@pytest.mark.parametrize(
    "killed",
    [
        pytest.param(False, marks=pytest.mark.faults, id="undisturbed"),
        pytest.param(True, id="killed after the removal"),
    ],
)
async def test_a_file_whose_time_is_over_leaves_the_bucket_once(stack: Stack, *, killed: bool) -> None:
    async with Bus.of(stack) as bus:
        with ServiceProcess(stack, "audit", supervised=True) as audit:
            export_id = await asked(bus)
            await eventually(in_state(stack, export_id, "READY"), "the file is made", MADE_SECONDS)
            was_there = is_in_bucket(stack, export_id)
            if killed:
                audit.crash.arm(JobPoint.AFTER_REMOVAL)
            with Tables(stack, "audit").connection() as tables:
                tables.execute("UPDATE exports SET expires_at = now() - interval '1 s' WHERE id = %s", (export_id,))
            audit.kill()  # whoever starts looks at once
            await eventually(in_state(stack, export_id, "EXPIRED"), "it is expired", MADE_SECONDS)

    assert was_there
    assert audit.crash.happened

    assert not is_in_bucket(stack, export_id)
    assert told(stack, export_id) == ["requested", "finished", "expired"]
    assert tellers(stack, export_id)["audit.export_expired"] == "system"


async def test_an_instance_that_is_told_not_to_makes_nothing(stack: Stack) -> None:
    """The control: without a worker there is no file, so it is the worker that the other tests look at."""
    async with Bus.of(stack) as bus:
        with ServiceProcess(stack, "audit", env=NO_EXPORT_JOBS) as audit:
            export_id = await asked(bus)
            audit.stop()

    assert row(stack, export_id)["state"] == "REQUESTED"
    assert told(stack, export_id) == ["requested"]
