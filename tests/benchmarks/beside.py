"""The staff call at a modest rate: alone, and while the log catches up with what it missed."""

import asyncio
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median

import asyncpg

from deploy.local.stack import Stack
from tests.benchmarks.load import Plan, Sample, measure
from tests.benchmarks.rows import expect_all
from tests.benchmarks.staff import EVENTS_A_PERSON, Staff
from tests.benchmarks.stories import tell
from tests.benchmarks.workload import GATEHOUSE
from tests.support import ServiceProcess

RATE, SECONDS, WARM_SECONDS, CONNECTIONS = 50.0, 8.0, 1.0, 64
AWAY_SECONDS = 600
ROUNDS = 3
SERVICES = ("gateway", "staffing")
WARM_REQUESTS = 2000
AS_FAST_AS_IT_GOES = {"GATEHOUSE_CATCH_UP_TIMES": "0"}
_RECORDED = "SELECT coalesce(max(size), 0) FROM audit.checkpoints"


async def commands_beside(stack: Stack) -> dict[str, float]:
    """p50 of both, in turn, and how fast the log caught up meanwhile; raises when the backlog was gone too early."""
    for part in SERVICES:
        await asyncio.to_thread(stack.start_part, part)
    connection = await asyncpg.connect(stack.state.dsn("postgres"))
    alone, beside, recorded = list[float](), list[float](), list[float]()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        calls = _Calls(stack, pool)
        with ServiceProcess(stack, "audit"):
            await calls.warm_up()
        for _ in range(ROUNDS):
            with ServiceProcess(stack, "audit"):
                alone.append(_p50(await calls.run()))
            backlog = int(RATE * EVENTS_A_PERSON * AWAY_SECONDS)
            await asyncio.to_thread(tell, stack, backlog, AWAY_SECONDS)
            before = await connection.fetchval(_RECORDED)
            with ServiceProcess(stack, "audit"):
                while (first := await connection.fetchval(_RECORDED)) == before:
                    await asyncio.sleep(0.05)
                began = time.monotonic()
                beside.append(_p50(await calls.run()))
                last, ended = await connection.fetchval(_RECORDED), time.monotonic()
            if last >= before + backlog:
                raise RuntimeError("the log had caught up before the calls ended")
            recorded.append((last - first) / (ended - began))
            with ServiceProcess(stack, "audit", env=AS_FAST_AS_IT_GOES):
                while await connection.fetchval(_RECORDED) < before + backlog:
                    await asyncio.sleep(0.1)
    await connection.close()
    return {
        "alone_p50_ms": median(alone),
        "beside_p50_ms": median(beside),
        "live_events_per_s": RATE * EVENTS_A_PERSON,
        "catch_up_per_s": median(recorded),
    }


class _Calls:
    def __init__(self, stack: Stack, pool: ProcessPoolExecutor) -> None:
        self._staff, self._pool, self._port = Staff(stack, pool), pool, stack.state.ports["gateway"]

    async def warm_up(self) -> None:
        await self._load(Plan(self._port, CONNECTIONS, 0.0, SECONDS), WARM_REQUESTS)

    async def run(self) -> Sample:
        plan = Plan(self._port, CONNECTIONS, WARM_SECONDS, SECONDS, RATE)
        return await self._load(plan, int(RATE * plan.total_seconds) + 2)

    async def _load(self, plan: Plan, count: int) -> Sample:
        batch = await self._staff.prepare(count, [GATEHOUSE])
        sample = await asyncio.wrap_future(self._pool.submit(measure, plan, batch.requests))
        await expect_all(self._staff, GATEHOUSE, [batch.ids[number] for number in sample.created()])
        return sample


def _p50(sample: Sample) -> float:
    took = sample.measured()
    return took[len(took) // 2]
