"""The command line: `python -m tests.benchmarks [--only partners] [--rounds 1] [--seconds 2] [--connections 256]`."""

import argparse
import asyncio
import logging
import multiprocessing
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

import structlog
from rich.console import Console

from deploy.local.part import SERVICES
from deploy.local.stack import Stack
from tests.benchmarks.audit import measure_log
from tests.benchmarks.growth import Growth
from tests.benchmarks.length import measure_length
from tests.benchmarks.partners import Partners
from tests.benchmarks.profile import profile
from tests.benchmarks.runner import Bench, Length
from tests.benchmarks.staff import Staff
from tests.benchmarks.systems import running
from tests.benchmarks.workload import PARTS, Workload

GROWTH = "growth"
WORKLOADS: dict[str, Callable[[Stack, Executor], Workload]] = {"partners": Partners, "staff": Staff}
RESULT, LOG_RESULT = Path("build/bench.json"), Path("build/bench-audit.json")
LENGTH_RESULT = Path("build/bench-length.json")
LOG, LENGTH = "audit", "length"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--only", choices=sorted((*WORKLOADS, GROWTH, LOG, LENGTH)), help="one part; the log's: audit, length"
    )
    parser.add_argument("--events", type=int, default=200_000, help="of the log's figures; of length: the most")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="measured seconds of each run")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 32, 256])
    parser.add_argument("--profile", choices=sorted(WORKLOADS), help="only load Gatehouse, and say where the CPU goes")
    parser.add_argument("--home", type=Path, help="use the stack in this directory and leave it up")
    parser.add_argument("--parts", nargs="+", default=list(SERVICES), help="services to run; all of them by default")
    return parser.parse_args()


async def _measure(stack: Stack, arguments: argparse.Namespace, console: Console) -> None:
    chosen = arguments.profile or arguments.only
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PARTS, mp_context=context) as pool:
        workloads = [make(stack, pool) for name, make in WORKLOADS.items() if chosen in (None, name)]
        async with running(stack) as systems:
            if arguments.profile:
                await profile(systems, pool, workloads[0], arguments.seconds, console)
                return
            length = Length(arguments.rounds, arguments.seconds, tuple(arguments.connections))
            bench = Bench(systems, pool, length, console)
            await bench.run(workloads)
            if chosen in (None, GROWTH):
                await Growth(stack, Staff(stack, pool)).run(bench, arguments.rounds, arguments.seconds)
    bench.figures.show(console)
    bench.figures.write(RESULT)
    console.print(f"written to {RESULT}")


def main() -> None:
    arguments, console = _arguments(), Console(width=180)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    home = arguments.home or Path(tempfile.mkdtemp(prefix="gatehouse-bench-"))
    stack = Stack(home)
    try:
        stack.up(only_engines=True)
        if arguments.only in (None, LENGTH) and not arguments.profile:  # first: the log must still be short
            asyncio.run(measure_length(stack, arguments.events, console, LENGTH_RESULT))
        if arguments.only in (None, LOG) and not arguments.profile:
            asyncio.run(measure_log(stack, arguments.events, console, LOG_RESULT))
        if arguments.only in (LOG, LENGTH):
            return
        for part in arguments.parts:
            stack.start_part(part)
        asyncio.run(_measure(stack, arguments, console))
    finally:
        if not arguments.home:
            stack.down()
            shutil.rmtree(home)


if __name__ == "__main__":
    main()
