"""What is printed and written follows from the runs by rules that are promises too."""

import json
from pathlib import Path

from tests.benchmarks.figures import Figures, Run


def run(commands_per_s: float, p50: float = 1.0, rss: float = 100.0) -> Run:
    return Run(commands_per_s, p50, 1.5, 2.0, {"gateway": rss}, {"gateway": 500.0}, 0.1)


def figures(rates: dict[str, tuple[float, ...]]) -> Figures:
    found = Figures()
    for name, values in rates.items():
        for value in values:
            found.add(name, run(value))
    return found


def test_the_file_holds_the_median_of_the_rounds(tmp_path: Path) -> None:
    found = figures({"partners.256.gatehouse": (100.0, 900.0, 300.0)})

    found.write(tmp_path / "build" / "bench.json")

    written = json.loads((tmp_path / "build" / "bench.json").read_text(encoding="utf-8"))
    median = {"commands_per_s": 300.0, "p50_ms": 1.0, "p95_ms": 1.5, "p99_ms": 2.0, "rss_mb": {"gateway": 100.0}}
    assert written == {"figures": {"partners.256.gatehouse": median}}


def test_a_call_that_grows_dear_with_the_crowd_is_not_flat() -> None:
    found = Figures()
    for name, p50 in (("growth.1x.gatehouse", 4.0), ("growth.100x.gatehouse", 5.1)):
        found.add(name, Run(100.0, p50, 9.0, 9.0, {}, {"staffing": 900.0, "postgres": 600.0}, 0.1))

    median, cpu = found.goals()

    assert (median.kept, median.measured) == (False, "5.1 against 4.0")
    assert (cpu.kept, cpu.measured) == (True, "1,500.0 against 1,500.0")


def test_gatehouse_is_held_against_the_better_of_both_monoliths() -> None:
    rates: dict[str, tuple[float, ...]] = {
        "staff.256.gatehouse": (310.0,),
        "staff.256.monolith": (90.0,),
        "staff.256.monolith_2w": (110.0,),
    }

    times = figures(rates).goals()[0]

    assert not times.kept
    assert times.measured.startswith("2.82 times")


def test_a_slow_median_or_a_fat_service_misses_its_goal() -> None:
    found = Figures()
    found.add("staff.10pct.gatehouse", run(30.0, p50=15.1))
    found.add("staff.256.gatehouse", run(300.0, rss=120.1))

    kept = {goal.text: goal.kept for goal in found.goals()}

    assert kept == {
        "staff: p50 ≤ 15 ms at 10 % of the load": False,
        "staff: p99 ≤ 60 ms at 10 % of the load": True,
        "staff: ≤ 120 MB for each service": False,
    }
