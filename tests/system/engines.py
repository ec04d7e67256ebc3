"""Engines taken away and given back."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil

from deploy.local.stack import Stack


@asynccontextmanager
async def stopped(stack: Stack, engine: str) -> AsyncIterator[None]:
    """Gone within the block: connections are refused."""
    await asyncio.to_thread(stack.stop_part, engine)
    try:
        yield
    finally:
        await asyncio.to_thread(stack.start_part, engine)


@asynccontextmanager
async def frozen(stack: Stack, engine: str) -> AsyncIterator[None]:
    """There within the block, but silent: connections stay open and nothing answers."""
    pid = await asyncio.to_thread(stack.pid_of, engine)
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    _tell(family, signal.SIGSTOP)
    try:
        yield
    finally:
        _tell(family, signal.SIGCONT)
        await asyncio.to_thread(stack.wait_ready, engine)


def _tell(family: list[psutil.Process], number: signal.Signals) -> None:
    for process in family:
        if process.is_running():
            process.send_signal(number)
