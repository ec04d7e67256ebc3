"""One process of ours: it answers HTTP until SIGTERM, drains, and leaves in time whatever is away.

Client libraries wait without end for a broker that is away, and not all of them hear that they are cancelled. Nothing
of ours depends on a drained end: what was in hand is delivered again, and deduplicated. So past its time a process
leaves as if it had been killed, and says what it was waiting for.
"""

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from contextvars import copy_context
from inspect import isasyncgen
from types import FrameType
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE

from services.wire.settings import ProcessSettings

CUT_SHORT = os.EX_TEMPFAIL

log = structlog.get_logger()


def serve(app: ASGIApp, settings: ProcessSettings) -> None:
    """Until SIGTERM; then leave with 0 when all is drained, with CUT_SHORT when `stop_seconds` were not enough."""
    signal.signal(signal.SIGTERM, _leave)
    config = uvicorn.Config(app, host=settings.http_host, port=settings.http_port, log_config=None, access_log=False)
    server = _Server(config, settings.stop_seconds)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def _leave(*_: object) -> None:
    """uvicorn drains first and then raises the signal again, which would read as having been cut off."""
    sys.exit(0)


class _Server(uvicorn.Server):
    """Its time runs from the signal on, during the start too."""

    def __init__(self, config: uvicorn.Config, stop_seconds: float) -> None:
        super().__init__(config)
        self._stop_seconds = stop_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # a thread of its own, since the loop and its executor are among what may not end
        late = threading.Timer(self._stop_seconds, copy_context().run, (_cut_short, asyncio.get_running_loop()))
        late.daemon = True
        late.start()
        super().handle_exit(sig, frame)


def _cut_short(loop: asyncio.AbstractEventLoop) -> None:
    try:
        waiting = sorted({" > ".join(_awaited(task.get_coro())) for task in asyncio.all_tasks(loop)})
        log.critical("process.cut_short", waiting=waiting)
    finally:
        os._exit(CUT_SHORT)


def _awaited(waiting: Any) -> Iterator[str]:
    """Outermost first. What leads into an async generator names it nowhere, but refers to it."""
    while waiting is not None:
        code = getattr(waiting, "cr_code", None) or getattr(waiting, "ag_code", None)
        if code:
            yield code.co_qualname
            waiting = waiting.cr_await if hasattr(waiting, "cr_await") else waiting.ag_await
        else:
            waiting = next((one for one in gc.get_referents(waiting) if isasyncgen(one)), None)
