"""The load generator tells the truth: it is checked against a server whose slowness is known."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from tests.benchmarks.client import post
from tests.benchmarks.load import Load, Plan, Sample

STALL_SECONDS = 0.4


@asynccontextmanager
async def serving(answer: Callable[[int], tuple[int, float]], idle_seconds: float = 60.0) -> AsyncIterator[int]:
    """A server on a free port; `answer` turns a request's number into a status and seconds to wait."""
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError, ConnectionError, TimeoutError):
            await converse(reader, writer)
        writer.close()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        while await asyncio.wait_for(reader.readline(), idle_seconds):
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
            count += 1
            status, pause = answer(count)
            await asyncio.sleep(pause)
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\n{{}}".encode())

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def load(plan: Plan, count: int) -> Sample:
    return await Load(plan, [post("/", {}, b"{}")] * count).run()


async def test_only_201s_are_counted() -> None:
    async with serving(lambda n: (503 if n % 2 else 201, 0.002)) as port:
        sample = await load(Plan(port, 4, 0.0, 0.3), 10_000)

    assert 0 < len(sample.created()) <= len(sample.shots) // 2 + 1
    assert len(sample.measured()) <= len(sample.created())
    assert sample.failures[0].startswith("503")


async def test_closed_load_measures_only_after_every_connection_was_answered() -> None:
    async with serving(lambda n: (201, 0.5 if n <= 8 else 0.01)) as port:
        sample = await load(Plan(port, 8, 0.0, 0.3), 10_000)

    assert sample.measured()[-1] < 500
    assert len(sample.created()) > len(sample.measured())


async def test_a_stalled_server_is_charged_for_those_who_wait_meanwhile() -> None:
    """Coordinated omission: a client that sends nothing while it waits would see one slow answer in 200."""
    async with serving(lambda n: (201, STALL_SECONDS if n == 50 else 0.0)) as port:
        sample = await load(Plan(port, 1, 0.0, 1.0, rate=200.0), 10_000)

    slow = [took for took in sample.measured() if took > STALL_SECONDS * 1000 / 4]
    assert len(slow) > 40


async def test_an_open_load_arrives_at_its_rate_however_slow_the_answers() -> None:
    async with serving(lambda _: (201, 0.1)) as port:
        sample = await load(Plan(port, 64, 0.0, 1.0, rate=100.0), 10_000)

    assert 95 <= len(sample.created()) <= 101


async def test_an_open_load_outlives_connections_that_the_server_closes_when_idle() -> None:
    async with serving(lambda _: (201, 0.0), idle_seconds=0.05) as port:
        sample = await load(Plan(port, 8, 0.0, 1.0, rate=10.0), 10_000)

    assert [shot.status for shot in sample.shots] == [201] * len(sample.shots)


async def test_a_run_ends_when_its_requests_do() -> None:
    async with serving(lambda _: (201, 0.0)) as port:
        sample = await load(Plan(port, 2, 0.0, 5.0), 50)

    assert len(sample.created()) == 50
