"""A process of ours that would never end by itself: `python -m tests.chassis.stubborn KIND PORT`."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog
from starlette.applications import Starlette

from services.wire import telemetry
from services.wire.serving import serve
from services.wire.settings import ProcessSettings

STOP_SECONDS = 0.5


async def never() -> None:
    await asyncio.Event().wait()


async def deaf() -> None:
    """As aiokafka waits for what it has sent, whoever cancels it."""
    while True:
        with suppress(asyncio.CancelledError):
            await never()


async def nothing() -> None:
    """Ends at once."""


async def in_a_thread() -> None:
    """Leaves a thread behind for which the event loop's executor waits."""
    asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)


Work = Callable[[], Awaitable[None]]
KINDS: dict[str, tuple[Work, Work]] = {
    "its start never ends": (never, nothing),
    "its end never ends": (nothing, never),
    "its end does not hear of it": (nothing, deaf),
    "its thread never ends": (nothing, in_a_thread),
    "nothing holds it": (nothing, nothing),
}


def main(kind: str, port: str) -> None:
    begin, end = KINDS[kind]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        structlog.get_logger().info("stubborn.begins")
        await begin()
        yield
        await end()

    telemetry.configure("stubborn", 0)
    settings = ProcessSettings(env="test", service="stubborn", http_port=int(port), stop_seconds=STOP_SECONDS)
    serve(Starlette(lifespan=lifespan), settings)


if __name__ == "__main__":
    main(*sys.argv[1:])
