"""Promise 6: an engine stops under load and comes back. Answers are 200, 201, 202 or 503, never 500; afterwards
everything acknowledged is there, and no service was restarted.
"""

import asyncio
from functools import partial
from uuid import uuid4

import pytest

from contracts.failures import Code
from tests.support import ServiceProcess, Tables, eventually
from tests.system.conftest import Site
from tests.system.engines import frozen, stopped
from tests.system.traffic import PARTNERS, WRITERS, Asked, Traffic, client_of, prepared, traffic

FINE = {200, 201, 202, 503}
SHORT, LONG = 3.0, 10.0
ENGINES = ("postgres", "kafka", "seaweedfs")
OUTAGES = {"stopped": stopped, "frozen": frozen}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", OUTAGES)
async def test_an_engine_away_for_a_moment_costs_no_acknowledged_command(site: Site, engine: str, kind: str) -> None:
    await survives(site, engine, kind, SHORT)


@pytest.mark.faults
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", OUTAGES)
async def test_an_engine_away_for_ten_seconds_costs_no_acknowledged_command(site: Site, engine: str, kind: str) -> None:
    await survives(site, engine, kind, LONG)


async def survives(site: Site, engine: str, kind: str, seconds: float) -> None:
    """AssertionError unless traffic goes through this outage as promised."""
    before = [service.pid for service in site.services]

    async with traffic(site, f"{engine}-{uuid4().hex[:8]}") as flow:
        await flow.succeeds_again()
        async with OUTAGES[kind](site.stack, engine):
            await asyncio.sleep(seconds)  # the outage itself is what is tested
        await flow.succeeds_again()

    assert set(flow.statuses) <= FINE, flow.statuses
    assert engine == "seaweedfs" or flow.statuses[503] + flow.statuses[202], "nobody noticed the outage"
    assert {asked.answer.json()["code"] for asked in flow.asked if asked.status == 503} <= {Code.DEPENDENCY_UNAVAILABLE}
    await everything_acknowledged_is_there(site, flow)
    assert [service.pid for service in site.services if service.is_alive] == before
    for service in site.services:
        await eventually(partial(_is_ready, service), f"{service.name} is ready")


def _is_ready(service: ServiceProcess) -> bool:
    return service.readiness()[0] == 200


async def everything_acknowledged_is_there(site: Site, flow: Traffic) -> None:
    """201: its row is there, once. 202: its operation succeeds, and then its row is there, once."""
    keys = [asked.answer.json()["object_key"] for asked in flow.commands(201)]
    async with client_of(site, flow.commands(201)[0].key.rpartition("-")[0]) as client:
        for asked in flow.commands(202):
            location = asked.answer.headers["location"]

            async def settled(location: str = location) -> dict[str, object] | None:
                answer = await client.get(location)
                assert answer.status_code in FINE, answer.text
                view: dict[str, object] = answer.json()
                return view if view.get("status") == "succeeded" else None

            view = await eventually(settled, f"{location} succeeds")
            keys.append(view["result"]["object_key"])  # type: ignore[index]
    stored = Tables(site.stack, "partners").rows("SELECT object_key FROM uploads WHERE object_key = ANY(%s)", keys)
    assert sorted(row["object_key"] for row in stored) == sorted(keys)


async def test_a_command_that_was_answered_503_can_be_sent_again_under_its_key(site: Site) -> None:
    async with traffic(site, f"again-{uuid4().hex[:8]}") as flow:
        await flow.succeeds_again()
        async with stopped(site.stack, "postgres"):
            await eventually(lambda: len(flow.commands(202, 503)) >= WRITERS, "nobody is answered 201")
        await flow.succeeds_again()
    refused = flow.commands(503, 202)

    async with client_of(site, refused[0].key.rpartition("-")[0]) as client:
        again = [await Traffic(client).call(asked.path, asked.key, asked.body) for asked in refused[:20]]

    assert {asked.status for asked in again} == {201}
    digests = [asked.body["sha256"] for asked in again if asked.body]
    rows = Tables(site.stack, "partners").rows("SELECT sha256 FROM uploads WHERE sha256 = ANY(%s)", digests)
    assert sorted(row["sha256"] for row in rows) == sorted(digests)


@pytest.mark.parametrize("kind", OUTAGES)
async def test_an_application_is_not_answered_201_while_the_document_store_is_away(site: Site, kind: str) -> None:
    applications = await prepared(site, 3)

    async def submit(n: int, key: str) -> Asked:
        async with client_of(site, applications[n].actor.subject) as client:
            return await Traffic(client).call(PARTNERS, key, applications[n].body)

    async with OUTAGES[kind](site.stack, "seaweedfs"):
        away = [await submit(n, "first") for n in range(3)]
    back = [await submit(n, "first") for n in range(3)]

    assert {asked.status for asked in away} <= ({503} if kind == "stopped" else {503, 202})
    assert [asked.status for asked in back] == [201] * 3
