"""Processes of a home that outlived their supervisor, because somebody killed it.

Told by where they run: each part has a working directory of its own, and only our programs count.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path

import psutil

from deploy.local.home import Home
from deploy.local.part import EVERYTHING

PROGRAMS = ("postgres", "java", "weed", "python")
PATIENCE_SECONDS = 20.0


def end(home: Home) -> None:
    """Ask them to stop, wait, and kill what is still there."""
    found = _found(home)
    for process in found:
        _quietly(process.terminate)
    _, alive = psutil.wait_procs(found, timeout=PATIENCE_SECONDS)
    for process in alive:
        _quietly(process.kill)
    psutil.wait_procs(alive, timeout=PATIENCE_SECONDS)


def _found(home: Home) -> list[psutil.Process]:
    directories = {home.data(part) for part in EVERYTHING}
    return [process for process in psutil.process_iter() if _is_ours(process, directories)]


def _is_ours(process: psutil.Process, directories: set[Path]) -> bool:
    try:
        return Path(process.cwd()) in directories and Path(process.exe()).name.startswith(PROGRAMS)
    except (psutil.Error, OSError):
        return False


def _quietly(action: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        action()
