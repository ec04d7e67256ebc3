"""The mint worker with one part taken out or broken, so that a test sees what that part is for.

`python -m tests.mint.controls NAME` runs it. None of these is used by anything but the tests.
"""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from services.partners.mint import last_gate, worker
from services.partners.mint.app import main
from services.partners.mint.jobs import Job
from services.partners.mint.keeper import TokenKeeper
from services.partners.mint.token import SignFailed


def broken_token() -> None:
    """The token is there and answers every signature with an error."""

    async def sign(_: TokenKeeper, __: bytes) -> bytes:
        raise SignFailed("CKR_FUNCTION_FAILED")

    TokenKeeper.sign = sign  # type: ignore[method-assign,assignment]


def without_last_gate() -> None:
    """Believes what was decided when SIGNING was marked."""

    @asynccontextmanager
    async def held(*_: Any) -> AsyncIterator[None]:
        yield None

    last_gate.LastGate.held = held  # type: ignore[method-assign,assignment]


def without_looking_up() -> None:
    """Sends what may have been sent again, without asking first."""

    async def find_out(self: worker.Mint, job: Job) -> str | None:
        return await self._send(job)

    worker.Mint._find_out = find_out  # type: ignore[method-assign]  # noqa: SLF001


CONTROLS: dict[str, Callable[[], None]] = {
    "broken-token": broken_token,
    "without-last-gate": without_last_gate,
    "without-looking-up": without_looking_up,
}


def command(name: str) -> tuple[str, ...]:
    """The command line of a control."""
    return (sys.executable, "-m", "tests.mint.controls", name)


if __name__ == "__main__":
    CONTROLS[sys.argv[1]]()
    main()
