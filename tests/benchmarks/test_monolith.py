"""The yardstick does the same work as Gatehouse, or the comparison is worth nothing."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from deploy.local.ports import choose
from deploy.local.stack import Stack
from tests.benchmarks.load import Load, Plan, Sample
from tests.benchmarks.partners import Partners
from tests.benchmarks.rows import RowsMismatchError, expect_all, expect_none
from tests.benchmarks.staff import Staff
from tests.benchmarks.workload import Workload
from tests.benchmarks.yardstick import Monolith, create_schema

PEOPLE, SCHEMA = 3, "monolith"


@pytest_asyncio.fixture
async def port(stack: Stack, tmp_path: Path) -> AsyncIterator[int]:
    await create_schema(stack.state, SCHEMA)
    chosen = choose({})["gateway"]
    monolith = Monolith(stack.state, SCHEMA, chosen, tmp_path / "monolith.log")
    try:
        monolith.wait_ready()
        yield chosen
    finally:
        monolith.stop()


async def send(port: int, requests: list[bytes]) -> Sample:
    return await Load(Plan(port, 1, 0.0, 20.0), requests).run()


@pytest.mark.parametrize("kind", [Partners, Staff])
async def test_every_201_is_found_and_a_repeat_gets_the_same_answer_without_new_rows(
    kind: type[Partners | Staff], stack: Stack, port: int
) -> None:
    with ThreadPoolExecutor() as pool:
        workload: Workload = kind(stack, pool)
        batch = await workload.prepare(PEOPLE, [SCHEMA])

    sample = await send(port, batch.requests * 2)

    assert [shot.status for shot in sample.shots] == [201] * PEOPLE * 2, sample.failures
    await expect_all(workload, SCHEMA, batch.ids)


async def test_a_document_that_is_not_the_announced_one_is_refused(stack: Stack, port: int) -> None:
    with ThreadPoolExecutor() as pool:
        batch = await Partners(stack, pool).prepare(1, [SCHEMA])
    connection = await asyncpg.connect(stack.state.admin_dsn)
    await connection.execute(f"UPDATE {SCHEMA}.uploads SET sha256 = repeat('0', 64) WHERE document = 'kyb'")
    await connection.close()

    sample = await send(port, batch.requests)

    assert "DOSSIER_OBJECT_NOT_FOUND" in sample.failures[0]


@pytest.mark.parametrize("kind", [Partners, Staff])
async def test_a_201_without_its_rows_fails_the_run(kind: type[Partners | Staff], stack: Stack, port: int) -> None:
    with ThreadPoolExecutor() as pool:
        workload: Workload = kind(stack, pool)
        batch = await workload.prepare(2, [SCHEMA])
    await send(port, batch.requests[:1])

    with pytest.raises(RowsMismatchError, match="were acknowledged"):
        await expect_all(workload, SCHEMA, batch.ids)


@pytest.mark.parametrize("kind", [Partners, Staff])
async def test_requests_that_were_served_before_are_not_measured_again(
    kind: type[Partners | Staff], stack: Stack, port: int
) -> None:
    with ThreadPoolExecutor() as pool:
        workload: Workload = kind(stack, pool)
        batch = await workload.prepare(2, [SCHEMA])
    await expect_none(workload, SCHEMA, batch.ids)
    await send(port, batch.requests[:1])

    with pytest.raises(RowsMismatchError, match="before they are sent"):
        await expect_none(workload, SCHEMA, batch.ids)
