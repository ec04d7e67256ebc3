"""`python -m tests.benchmarks.signatures`: signatures a second by this machine's voucher token, one at a time."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from deploy.local.home import Home
from deploy.local.hsm import prepare, token_of
from services.partners.mint.keeper import TokenKeeper

SECONDS = 3.0
VOUCHER = b"{" + b"v" * 700 + b"}"


async def measure(keeper: TokenKeeper) -> tuple[float, list[float]]:
    """Seconds of the first call, which opens the token, and of each call after it."""
    began = time.perf_counter()
    await keeper.sign(VOUCHER)
    first = time.perf_counter() - began
    took: list[float] = []
    while sum(took) < SECONDS:
        began = time.perf_counter()
        await keeper.sign(VOUCHER)
        took.append(time.perf_counter() - began)
    await keeper.close()
    return first, took


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.prepare()
        settings = prepare(home, "a pin for a bench")
        first, took = asyncio.run(measure(TokenKeeper(lambda: token_of(settings))))
    p99 = quantiles(took, n=100)[-1]
    sys.stdout.write(
        f"{settings['GATEHOUSE_HSM_KIND']}: {len(took) / sum(took):,.0f}/s, p50 {median(took) * 1000:.2f} ms, "
        f"p99 {p99 * 1000:.2f} ms, first call {first * 1000:.0f} ms\n"
    )


if __name__ == "__main__":
    main()
