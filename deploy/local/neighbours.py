"""Ports that other stacks of this person have chosen, bound or not: no choice may fall on them.

Between the choice of a port and its binding lie seconds, and a part that is stopped has it unbound for longer.
Invariant: a choice is made under one lock for all stacks, and is in its home before the next one. A stack counts while
its supervisor runs or, until there is one, the process that starts it.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path

import psutil

from deploy.local import supervision
from deploy.local.home import Home, write_private
from deploy.local.jars import cache_directory
from deploy.local.state import State


@dataclass(frozen=True, slots=True)
class _Neighbour:
    root: str
    starter: int

    @property
    def home(self) -> Home:
        return Home(Path(self.root))

    @property
    def counts(self) -> bool:
        return psutil.pid_exists(self.starter) or supervision.is_running(self.home)


@contextmanager
def choosing(home: Home) -> Iterator[set[int]]:
    """The ports of all others; `home` must remember its own choice when the block ends."""
    directory = cache_directory() / "stacks"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        flock(lock, LOCK_EX)
        others = [one for one in _known(directory) if one.home != home and one.counts]
        yield {port for one in others for port in State.load(one.home).ports.values()}
        everybody = [*others, _Neighbour(str(home.root), os.getpid())]
        write_private(directory / "known.json", json.dumps([asdict(one) for one in everybody]))


def _known(directory: Path) -> list[_Neighbour]:
    book = directory / "known.json"
    return [_Neighbour(**one) for one in json.loads(book.read_text("utf-8"))] if book.exists() else []
