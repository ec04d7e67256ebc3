"""The systems that are compared: Gatehouse as the stack runs it, and the monolith with one worker and with two."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.part import EVERYTHING
from deploy.local.ports import choose
from deploy.local.stack import Stack
from tests.benchmarks.backlog import Backlog
from tests.benchmarks.workload import GATEHOUSE, MONOLITHS
from tests.benchmarks.yardstick import Monolith, create_schema

ENGINES = ("postgres", "seaweedfs", "kafka")
SERVICES = ("gateway", "partners", "staffing", "audit")


@dataclass(frozen=True, slots=True)
class System:
    """Where it listens, where its rows are, and the processes that are its own."""

    name: str
    port: int
    own: dict[str, int]


@dataclass(frozen=True, slots=True)
class Systems:
    """All of them, and the engines they share."""

    each: tuple[System, ...]
    engines: dict[str, int]
    logs: Path
    backlog: Backlog

    @property
    def processes(self) -> dict[str, int]:
        """Every process that may work for one command, by name."""
        return self.engines | {name: pid for system in self.each for name, pid in system.own.items()}


@asynccontextmanager
async def running(stack: Stack) -> AsyncIterator[Systems]:
    """The stack's Gatehouse, and both monoliths started beside it on an empty schema."""
    pids = {name: pid for name in EVERYTHING if (pid := stack.pid_of(name))}
    services = {name: pids[name] for name in SERVICES if name in pids}
    found = [System(GATEHOUSE, stack.state.ports["gateway"], services)]
    started: list[Monolith] = []
    backlog = await Backlog.of(stack.state.admin_dsn)
    try:
        for name in MONOLITHS:
            await create_schema(stack.state, name)
            port = choose({})["gateway"]
            monolith = Monolith(stack.state, name, port, stack.home.log(name))
            started.append(monolith)
            monolith.wait_ready()
            found.append(System(name, port, {name: monolith.pid}))
        yield Systems(tuple(found), {name: pids[name] for name in ENGINES}, stack.home.logs, backlog)
    finally:
        await backlog.close()
        for monolith in started:
            monolith.stop()
