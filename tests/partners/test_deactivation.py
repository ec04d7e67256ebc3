"""Who left a roster is deactivated at the identity provider, however long that is away (S1.43)."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio

from contracts.partners import GetPartner
from contracts.roles import Role
from deploy.local.scim import ScimSettings, build
from deploy.local.stack import Stack
from services.partners.identity.deactivation import LONGEST, backoff
from tests.chassis.conftest import ONE_LOOP
from tests.support import Application, Bus, ServiceProcess, Tables, eventually, person
from tests.support.outside import TOKEN, ScimOperator
from tests.support.partner_cases import roster_of, submitted
from tests.support.serving import serving


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    database: Path = tmp_path_factory.mktemp("scim") / "scim.sqlite"
    with serving(build(ScimSettings(http_port=1, scim_token=TOKEN, scim_database=database))) as address:
        yield address


@pytest.fixture(scope="module")
def partners(stack: Stack, url: str) -> Iterator[ServiceProcess]:
    provider = {"GATEHOUSE_SCIM_URL": f"{url}/scim/v2", "GATEHOUSE_SCIM_TOKEN": TOKEN}
    with ServiceProcess(stack, "partners", env=provider) as process:
        yield process


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bus(stack: Stack, partners: ServiceProcess) -> AsyncIterator[Bus]:
    async with Bus.of(stack) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def provider(url: str) -> AsyncIterator[ScimOperator]:
    operator = ScimOperator(url)
    await operator.behave("ok")
    yield operator
    await operator.behave("ok")
    await operator.close()


@pytest.fixture
def tables(stack: Stack) -> Tables:
    return Tables(stack, "partners")


async def joined(bus: Bus) -> tuple[Application, str]:
    """A partner at version 3 with a second contact."""
    application, guest = await submitted(bus), f"auth0|guest-{uuid4().hex[:8]}"
    await replaced(bus, application, 1, application.actor.subject, guest)
    return application, guest


async def replaced(bus: Bus, application: Application, version: int, *subjects: str) -> None:
    answer = await bus.ask(roster_of(application, version, subjects), application.actor)
    assert answer.status == 200, answer


def row(tables: Tables, subject: str) -> dict[str, Any]:
    (found,) = tables.rows("SELECT * FROM deactivations WHERE subject = %s", subject)
    return found


async def tasks(bus: Bus, application: Application, role: Role) -> Any:
    reader = person(bus.stack, f"reader-{uuid4().hex[:8]}", role)
    return (await bus.ask(GetPartner(partner_id=application.partner_id), reader)).json["tasks"]


@ONE_LOOP
async def test_who_left_is_deactivated_and_the_log_says_so(bus: Bus, provider: ScimOperator, tables: Tables) -> None:
    application, guest = await joined(bus)
    known = await provider.add(f"{guest}@example.org", guest)

    await replaced(bus, application, 3, application.actor.subject)
    await eventually(lambda: row(tables, guest)["status"] == "done", "the job is done")

    told = "SELECT topic, value FROM outbox WHERE aggregate_id = %s ORDER BY version"
    rows = tables.rows(told, application.partner_id)
    topics = [each["topic"] for each in rows]
    assert not await provider.is_active(known)
    assert topics[-2:] == ["partner.contact.removed", "partner.contact.deactivated"]
    assert orjson.loads(rows[-1]["value"])["actor"] == {"type": "system", "issuer": None, "subject": "partners"}
    assert await tasks(bus, application, Role.AUDITOR) == []


@ONE_LOOP
async def test_whom_the_provider_does_not_know_is_done_too(bus: Bus, provider: ScimOperator, tables: Tables) -> None:
    application, guest = await joined(bus)

    await replaced(bus, application, 3, application.actor.subject)

    await eventually(lambda: row(tables, guest)["status"] == "done", "the job is done")


@ONE_LOOP
async def test_while_the_provider_fails_the_task_is_seen_and_done_when_it_is_back(
    bus: Bus, provider: ScimOperator, tables: Tables
) -> None:
    application, guest = await joined(bus)
    await provider.behave("error")

    await replaced(bus, application, 3, application.actor.subject)
    await eventually(lambda: row(tables, guest)["tries"] >= 2 and row(tables, guest)["failure"], "it was tried twice")
    (task,) = await tasks(bus, application, Role.OPS)
    hidden = (await bus.ask(GetPartner(partner_id=application.partner_id), application.actor)).json["tasks"]
    await provider.behave("ok")

    assert (task["kind"], task["subject"], task["tries"] >= 2) == ("deactivate_contact", guest, True)
    assert task["failure"].startswith("HTTP 5")
    assert hidden is None
    await eventually(lambda: row(tables, guest)["status"] == "done", "the job is done", 60)


@ONE_LOOP
async def test_who_comes_back_while_the_provider_is_away_stays_active(
    bus: Bus, provider: ScimOperator, tables: Tables
) -> None:
    application, guest = await joined(bus)
    known = await provider.add(f"{guest}@example.org", guest)
    await provider.behave("error")
    await replaced(bus, application, 3, application.actor.subject)
    await eventually(lambda: row(tables, guest)["failure"], "it was tried")

    await replaced(bus, application, 4, application.actor.subject, guest)
    await provider.behave("ok")
    application, other = await joined(bus)
    await replaced(bus, application, 3, application.actor.subject)
    await eventually(lambda: row(tables, other)["status"] == "done", "what was due later is done")

    assert row(tables, guest)["status"] == "cancelled"
    assert await provider.is_active(known)


@ONE_LOOP
async def test_many_whom_no_provider_knows_hold_up_nobody(bus: Bus, provider: ScimOperator, tables: Tables) -> None:
    application, guest = await joined(bus)
    known = await provider.add(f"{guest}@example.org", guest)
    stuck = """
        INSERT INTO deactivations (partner_id, issuer, subject, removed_at, next_try_at)
        SELECT %s, 'https://elsewhere.example', 'p-' || n, now(), now() FROM generate_series(1, 400) n
    """
    with tables.connection() as connection:
        connection.execute(stuck, (application.partner_id,))

    await replaced(bus, application, 3, application.actor.subject)

    await eventually(lambda: row(tables, guest)["status"] == "done", "it is its turn", 15)
    assert not await provider.is_active(known)


def test_it_waits_longer_each_time_but_never_longer_than_a_minute() -> None:
    waits = [backoff(tries) for tries in range(1, 200)]

    assert waits[0] <= waits[2] <= waits[4]
    assert max(waits) <= LONGEST
    assert min(waits[10:]) >= LONGEST / 2
