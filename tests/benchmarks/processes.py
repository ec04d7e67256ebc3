"""CPU time and resident memory of named processes, each with its children."""

import contextlib
from collections.abc import Mapping

import psutil

MIB = 1024 * 1024


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """User and system seconds so far, by name; those of children that have ended are in their parent's."""
    spent = dict.fromkeys(pids, 0.0)
    for name, pid in pids.items():
        for process in _family(pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                spent[name] += times.user + times.system
                spent[name] += times.children_user + times.children_system if process.pid == pid else 0.0
    return spent


def resident_mib(pids: Mapping[str, int]) -> dict[str, float]:
    """Resident memory by name, of each process alone: children are named by a number."""
    found: dict[str, float] = {}
    for name, pid in pids.items():
        workers = [p for p in _family(pid) if "resource_tracker" not in " ".join(p.cmdline())]
        for n, process in enumerate(workers):
            with contextlib.suppress(psutil.NoSuchProcess):
                found[name if not n else f"{name}_{n}"] = round(process.memory_info().rss / MIB, 1)
    return found
