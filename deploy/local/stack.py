"""The front door of the local stack: bring it up, take it down, ask it, stop and start one part.

    stack = Stack("/some/where")
    stack.up(only_engines=True)
    stack.state.admin_dsn, stack.env_of("partners")["GATEHOUSE_KAFKA_PASSWORD"]
    stack.stop_part("kafka"); stack.start_part("kafka")
    stack.down()

Every call is idempotent and blocks until what it promises is so; from an event loop, call it in a thread.
"""

import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.local import environment, leftovers, neighbours, supervision
from deploy.local.errors import NotRunning, PartFailed, ProductionRefused
from deploy.local.home import Home
from deploy.local.part import ENGINES, EVERYTHING, SERVICES
from deploy.local.recipes import Recipe, recipes
from deploy.local.state import State

READY_SECONDS = 60.0
MOST_STARTS = 3
"""A part that died this often before it was ready will not become ready by waiting."""
TAIL_LINES = 25

Tell = Callable[[str], None]


class Stack:
    """One home directory and the processes that belong to it."""

    def __init__(self, home: Home | Path | str | None = None) -> None:
        self.home = home if isinstance(home, Home) else Home.at(home)

    @property
    def state(self) -> State:
        """Ports, secrets and addresses, as the home remembers them."""
        return State.load(self.home)

    @property
    def is_running(self) -> bool:
        return supervision.is_running(self.home)

    def env_of(self, part: str) -> dict[str, str]:
        """The settings a part is started with."""
        return environment.of(part, self.home, self.state)

    def up(self, *, only_engines: bool = False, tell: Tell = lambda _: None) -> None:
        """Start what does not run, wait until all of it is ready; raises PartFailed with the tail of a log."""
        if os.environ.get("GATEHOUSE_ENV") == "production":
            raise ProductionRefused("the local stack makes development secrets: not with GATEHOUSE_ENV=production")
        self.home.prepare()
        with self.home.locked():
            self._ensure_supervisor()
            self._bring_up(ENGINES, tell)
            if not only_engines:
                self._bring_up(SERVICES, tell)

    def down(self) -> None:
        """Stop services, then engines, then the supervisor; returns when no process is left."""
        if not self.home.exists:
            return
        self.home.prepare()
        with self.home.locked():
            if self.is_running:
                supervision.shut_down(self.home, (SERVICES, ENGINES))
            leftovers.end(self.home)

    def start_part(self, name: str) -> None:
        """Start one part and wait until it is ready."""
        self._require_running()
        self._bring_up((name,), lambda _: None)

    def stop_part(self, name: str) -> None:
        """Stop one part and wait until its process is gone; the supervisor leaves it so."""
        self._require_running()
        supervision.stop_part(self.home, name)

    def wait_ready(self, name: str) -> None:
        """Wait for a part that is starting, or being restarted after it died."""
        self._wait(name, self._recipes()[name].is_ready)

    def pid_of(self, name: str) -> int | None:
        """The part's process; None while it does not run."""
        return supervision.info(self.home)[name]["pid"] or None if self.is_running else None

    def is_ready(self, name: str) -> bool:
        return self._recipes()[name].is_ready()

    def log_tail(self, name: str) -> str:
        """The last lines a part wrote."""
        path = self.home.log(name)
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
        return "\n".join(lines[-TAIL_LINES:])

    def _recipes(self) -> dict[str, Recipe]:
        return recipes(self.home, self.state)

    def _require_running(self) -> None:
        if not self.is_running:
            raise NotRunning(f"no stack is running in {self.home.root}")

    def _ensure_supervisor(self) -> None:
        """Ports are chosen only while nothing of ours runs; settings are written again at every start."""
        running = self.is_running
        if not running:
            leftovers.end(self.home)
            with neighbours.choosing(self.home) as taken:
                self.state.completed(taken).save(self.home)
        environment.write_all(self.home, self.state)
        supervision.write_configuration(self.home, [recipe.part for recipe in self._recipes().values()])
        if running:
            supervision.reload(self.home)
        else:
            supervision.start(self.home)

    def _bring_up(self, names: Iterable[str], tell: Tell) -> None:
        """All of them at once; the first failure is raised after the others have been waited for."""
        book = self._recipes()
        with ThreadPoolExecutor(len(EVERYTHING)) as pool:
            for done in [pool.submit(self._bring_up_one, name, book[name], tell) for name in names]:
                done.result()

    def _bring_up_one(self, name: str, recipe: Recipe, tell: Tell) -> None:
        began = time.monotonic()
        recipe.prepare()
        supervision.start_part(self.home, name)
        self._wait(name, recipe.is_ready)
        recipe.finish()
        tell(f"{name:<10} ready after {time.monotonic() - began:4.1f} s")

    def _wait(self, name: str, is_ready: Callable[[], bool]) -> None:
        deadline, pause, pids = time.monotonic() + READY_SECONDS, 0.02, set[int]()
        while not is_ready():
            known = supervision.info(self.home)[name]
            pids |= {known["pid"]} - {0}
            if known["statename"] == "FATAL" or len(pids) > MOST_STARTS:
                raise PartFailed(name, "it keeps dying", self.log_tail(name))
            if time.monotonic() > deadline:
                raise PartFailed(name, f"not ready after {READY_SECONDS:.0f} s", self.log_tail(name))
            time.sleep(pause)
            pause = min(pause * 1.5, 0.3)
