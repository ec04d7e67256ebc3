"""Promise 6: an engine goes away under load and comes back. Answers are 200, 201, 202 or 503, never 500; afterwards
everything acknowledged is there, and no service was restarted.
"""

import asyncio
from functools import partial
from uuid import uuid4

import pytest

from contracts.failures import Code
from tests.support import ServiceProcess, eventually
from tests.system.acknowledged import FINE, everything_acknowledged_is_there
from tests.system.conftest import Site
from tests.system.engines import frozen, stopped
from tests.system.traffic import UPLOADERS, UPLOADS, prepared, quiet_client, traffic

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
    applications = await prepared(site, 5)

    async with traffic(site, f"{engine}-{uuid4().hex[:8]}", applications) as flow:
        await flow.succeeds_again()
        async with OUTAGES[kind](site.stack, engine):
            flow.applying.set()
            await asyncio.sleep(seconds)  # the outage itself is what is tested
        await flow.succeeds_again()

    assert set(flow.statuses) <= FINE, flow.statuses
    assert flow.statuses[503] + flow.statuses[202], "nobody noticed the outage"
    assert {asked.answer.json()["code"] for asked in flow.asked if asked.status == 503} <= {Code.DEPENDENCY_UNAVAILABLE}
    await everything_acknowledged_is_there(site, flow)
    assert [service.pid for service in site.services if service.is_alive] == before
    for service in site.services:
        await eventually(partial(_is_ready, service), f"{service.name} is ready")


def _is_ready(service: ServiceProcess) -> bool:
    return service.readiness()[0] == 200


async def test_a_command_that_was_answered_503_can_be_sent_again_under_its_key(site: Site) -> None:
    async with traffic(site, f"again-{uuid4().hex[:8]}") as flow:
        await flow.succeeds_again()
        async with stopped(site.stack, "postgres"):
            await eventually(lambda: len(flow.commands(202, 503)) >= UPLOADERS, "nobody is answered 201")
        await flow.succeeds_again()
    refused = [asked for asked in flow.commands(202, 503) if asked.path == UPLOADS]

    async with quiet_client(site) as client:
        again = [await client.call(asked.subject, asked.path, asked.key, asked.body) for asked in refused[:20]]
        await everything_acknowledged_is_there(site, client)

    assert {asked.status for asked in again} == {201}
