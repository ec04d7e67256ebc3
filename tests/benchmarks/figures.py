"""Figures: medians over the rounds, the goals they are held against, the table and `build/bench.json`."""

import json
import statistics
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

TIMES, P50_MS, P99_MS, RSS_MIB = 3.0, 15.0, 60.0, 120.0
FLAT = 1.25
SERVICES = ("gateway", "partners", "staffing", "audit")


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run. `cpu_us` is CPU time a command by process, `loader_share` that of one core for the loader."""

    commands_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    rss_mb: Mapping[str, float]
    cpu_us: Mapping[str, float]
    loader_share: float

    def as_json(self) -> dict[str, object]:
        return {
            "commands_per_s": round(self.commands_per_s, 1),
            "p50_ms": round(self.p50_ms, 1),
            "p95_ms": round(self.p95_ms, 1),
            "p99_ms": round(self.p99_ms, 1),
            "rss_mb": dict(self.rss_mb),
        }


@dataclass(frozen=True, slots=True)
class Goal:
    """One promise of the issue, what was measured and whether that keeps it."""

    text: str
    measured: str
    kept: bool


class Figures:
    """All runs by figure name, such as `partners.256.gatehouse`."""

    def __init__(self) -> None:
        self._runs: defaultdict[str, list[Run]] = defaultdict(list)
        self._notes: list[str] = []

    def add(self, name: str, run: Run) -> None:
        self._runs[name].append(run)

    def note(self, text: str) -> None:
        """Something to print beside the figures."""
        self._notes.append(text)

    def rate(self, name: str) -> float:
        """The median of the rounds so far; 0 before the first."""
        return statistics.median(r.commands_per_s for r in self._runs[name]) if name in self._runs else 0.0

    def medians(self) -> dict[str, Run]:
        return {name: _median(runs) for name, runs in self._runs.items()}

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        figures = {name: run.as_json() for name, run in self.medians().items()}
        path.write_text(json.dumps({"figures": figures}, indent=1) + "\n", encoding="utf-8")

    def show(self, console: Console) -> None:
        table = Table(
            "figure", "commands/s", "p50 ms", "p95 ms", "p99 ms", "CPU µs a command", "memory MB", "load generator"
        )
        for name, run in self.medians().items():
            moments = (f"{moment:,.1f}" for moment in (run.p50_ms, run.p95_ms, run.p99_ms))
            numbers = (f"{run.commands_per_s:,.0f}", *moments)
            table.add_row(name, *numbers, _line(run.cpu_us), _line(run.rss_mb), f"{run.loader_share:.0%} of a core")
        console.print(table)
        for note in self._notes:
            console.print(note)
        for goal in self.goals():
            console.print(f"[{'green' if goal.kept else 'red'}]{goal.text}: {goal.measured}")

    def goals(self) -> list[Goal]:
        found = self.medians()
        workloads = sorted({name.split(".")[0] for name in found})
        return [goal for workload in workloads for goal in _goals(workload, found)] + _flat(found)


def _goals(workload: str, found: Mapping[str, Run]) -> list[Goal]:
    goals = []
    full, slow = found.get(f"{workload}.256.gatehouse"), found.get(f"{workload}.10pct.gatehouse")
    rivals = [run for name, run in found.items() if name.startswith(f"{workload}.256.monolith")]
    if full and rivals:
        best = max(run.commands_per_s for run in rivals)
        times = full.commands_per_s / best if best else 0.0
        measured = f"{times:.2f} times ({full.commands_per_s:,.0f} against {best:,.0f})"
        goals.append(Goal(f"{workload}: ≥ {TIMES:.0f} times the monolith at 256", measured, times >= TIMES))
    if slow:
        p50, p99 = f"{slow.p50_ms:.1f} ms", f"{slow.p99_ms:.1f} ms"
        goals.append(Goal(f"{workload}: p50 ≤ {P50_MS:.0f} ms at 10 % of the load", p50, slow.p50_ms <= P50_MS))
        goals.append(Goal(f"{workload}: p99 ≤ {P99_MS:.0f} ms at 10 % of the load", p99, slow.p99_ms <= P99_MS))
    if full:
        memory = {name: size for name, size in full.rss_mb.items() if name in SERVICES}
        kept = all(size <= RSS_MIB for size in memory.values())
        goals.append(Goal(f"{workload}: ≤ {RSS_MIB:.0f} MB for each service", _line(memory), kept))
    return goals


def _flat(found: Mapping[str, Run]) -> list[Goal]:
    """The staff call at a hundred times the tenants and staff against the same call before they came."""
    few, many = found.get("growth.1x.gatehouse"), found.get("growth.100x.gatehouse")
    if not few or not many:
        return []
    spent = [sum(run.cpu_us.get(name, 0.0) for name in ("staffing", "postgres")) for run in (few, many)]
    measured = {"p50": (few.p50_ms, many.p50_ms), "CPU µs in staffing and postgres": (spent[0], spent[1])}
    return [
        Goal(f"growth: {name} ≤ {FLAT} times at 100 times the staff", f"{b:,.1f} against {a:,.1f}", b <= a * FLAT)
        for name, (a, b) in measured.items()
    ]


def _median(runs: list[Run]) -> Run:
    def middle(name: str) -> float:
        return float(statistics.median(getattr(run, name) for run in runs))

    def middles(name: str) -> dict[str, float]:
        maps = [getattr(run, name) for run in runs]
        return {key: statistics.median(m[key] for m in maps if key in m) for m in maps for key in m}

    return Run(
        middle("commands_per_s"),
        middle("p50_ms"),
        middle("p95_ms"),
        middle("p99_ms"),
        middles("rss_mb"),
        middles("cpu_us"),
        middle("loader_share"),
    )


def _line(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:,.0f}" for name, value in values.items())
