"""The audit service as a process, on the stack's own schema, topics and bucket. Nothing here tampers."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import pytest_asyncio

from contracts.audit import GetCheckpoint, ListEvents
from contracts.roles import Role
from deploy.local.stack import Stack
from services.audit.bucket import Bucket
from services.audit.settings import AuditSettings
from tests.audit.ledger import TOPIC, event
from tests.support import Bus, ServiceProcess, Tables, eventually, person
from tests.support.wire import producer

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def service(stack: Stack) -> Iterator[ServiceProcess]:
    """One that is started again whenever it dies."""
    with ServiceProcess(stack, "audit", supervised=True) as process:
        yield process


class Owner:
    """The partners service, as far as the audit service sees it: somebody who writes to its topics."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.told: list[str] = []

    async def tell(self, document: dict[str, Any], times: int = 1) -> None:
        self.told += [document["id"]]
        for _ in range(times):
            await self.send(document["type"], orjson.dumps(document), key=document["aggregate_id"].encode())

    async def tell_many(self, count: int) -> None:
        documents = [event() for _ in range(count)]
        self.told += [document["id"] for document in documents]
        futures = [await self._client.send(TOPIC, orjson.dumps(document)) for document in documents]
        await asyncio.gather(*futures)

    async def send(self, topic: str, value: bytes, key: bytes | None = None, **options: Any) -> Any:
        return await self._client.send_and_wait(topic, value, key=key, **options)


@pytest_asyncio.fixture
async def owner(stack: Stack) -> AsyncIterator[Owner]:
    async with producer(stack, "partners") as client:
        yield Owner(client)


@pytest.fixture
def tables(stack: Stack) -> Tables:
    return Tables(stack, "audit")


def recorded(tables: Tables, ids: list[str]) -> list[str]:
    rows = tables.rows("SELECT id::text FROM events WHERE id = ANY(%s::uuid[]) ORDER BY position", ids)
    return [row["id"] for row in rows]


async def all_in(tables: Tables, owner: Owner, seconds: float = 40.0) -> None:
    await eventually(lambda: len(recorded(tables, owner.told)) >= len(owner.told), "everything recorded", seconds)
    assert sorted(recorded(tables, owner.told)) == sorted(owner.told)
    rows = tables.rows("SELECT count(*) AS n, max(position) + 1 AS next, max(size) AS sealed FROM events, checkpoints")
    assert rows[0]["next"] == rows[0]["sealed"]


async def test_events_are_recorded_and_their_checkpoint_is_outside_within_ten_seconds(  # A6
    stack: Stack, tables: Tables, owner: Owner, service: ServiceProcess
) -> None:
    settings = AuditSettings.model_validate(
        {name.removeprefix("GATEHOUSE_").lower(): value for name, value in stack.env_of("audit").items()}
    )
    partner = uuid4()

    for version in (1, 2, 3):
        await owner.tell(event(version, partner), times=3)
    await all_in(tables, owner)
    position = tables.value("SELECT max(position) FROM events WHERE id = ANY(%s::uuid[])", owner.told)
    notes = await eventually(lambda: _covering(settings, position), "a published checkpoint", seconds=10)

    assert recorded(tables, owner.told) == owner.told
    assert settings.signer.verifier.checkpoint(notes[-1]).size > position


def _covering(settings: AuditSettings, position: int) -> list[str]:
    notes = Bucket(settings).newest(near=position)
    verifier = settings.signer.verifier
    return notes if notes and verifier.checkpoint(notes[-1]).size > position else []


async def test_poison_of_many_kinds_is_set_aside_while_neighbours_are_recorded(
    stack: Stack, tables: Tables, owner: Owner, service: ServiceProcess
) -> None:
    def letters(at: Any) -> list[dict[str, Any]]:
        return tables.letters_at(at.topic, at.partition, at.offset)

    sent, starts = [], service.starts
    for bad in (b"", b"\xff", b"{", b"[1]", b"{}", b"x" * 5_000_000):
        await owner.tell(event())
        sent.append(await owner.send(TOPIC, bad, headers=[("ce_id", b"\xff\xfe")]))
    await owner.tell(event())
    await all_in(tables, owner)
    await eventually(lambda: all(letters(at) for at in sent), "every poison buried")

    assert [len(letters(at)) for at in sent] == [1] * len(sent)
    assert service.starts == starts, "none of them ended the process"


async def test_killed_between_commit_and_offsets_it_records_nothing_twice(
    stack: Stack, tables: Tables, owner: Owner, service: ServiceProcess
) -> None:
    starts = service.starts
    service.crash.arm("before_offsets")
    await owner.tell_many(50)
    await eventually(lambda: service.crash.happened and service.starts > starts, "died and came back")
    await owner.tell_many(50)
    await all_in(tables, owner)


async def test_killed_at_random_and_shared_by_two_it_loses_and_doubles_nothing(
    stack: Stack, tables: Tables, owner: Owner, service: ServiceProcess
) -> None:
    with ServiceProcess(stack, "audit", instance=1):
        for _ in range(4):
            await owner.tell_many(300)
            await asyncio.to_thread(service.kill)
        await all_in(tables, owner, seconds=60)

    positions = tables.rows("SELECT position FROM events ORDER BY position")
    assert [row["position"] for row in positions] == list(range(len(positions)))


def readings_about(tables: Tables, partner: UUID) -> list[dict[str, Any]]:
    rows = tables.rows("SELECT raw FROM events WHERE type = 'audit.read' ORDER BY position")
    readings = [orjson.loads(row["raw"]) for row in rows]
    return [read for read in readings if read["data"]["filters"].get("target_id") == str(partner)]


async def test_an_auditor_is_answered_and_others_are_refused(  # A13
    stack: Stack, tables: Tables, owner: Owner, service: ServiceProcess
) -> None:
    partner = uuid4()
    auditor, stranger = person(stack, "anna", Role.AUDITOR), person(stack, "eve", Role.PARTNER_ADMIN)
    question = ListEvents(target_type="partner", target_id=str(partner))

    await owner.tell(event(1, partner))
    await owner.tell(event(2, partner))
    await all_in(tables, owner)
    async with Bus.of(stack) as bus:
        page = await bus.ask(question, auditor)
        checkpoint = await bus.ask(GetCheckpoint(), auditor)
        refused = await bus.ask(question, stranger)
    readings = await eventually(lambda: readings_about(tables, partner), "the readings in the log")

    assert [UUID(told["aggregate_id"]) for told in page.json["data"]] == [partner, partner]
    assert checkpoint.json["size"] > page.json["data"][-1]["position"]
    assert (refused.status, refused.code) == (403, "ROLE_REQUIRED")
    assert [(read["actor"]["subject"], read["reason_code"]) for read in readings[:1]] == [("anna", None)]
