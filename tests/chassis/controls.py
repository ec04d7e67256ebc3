"""Negative controls: the partners service with one promise taken out, so that a test is seen to notice.

`python -m tests.chassis.controls NAME` runs it. None of these is used by anything but the tests.
"""

import sys
from collections.abc import Callable, Sequence

import structlog

from contracts.message import Request
from services.chassis import inbox
from services.chassis.database import Write
from services.chassis.inbox import Claim
from services.chassis.messaging import Lane
from services.partners import roster
from services.partners.app import main
from services.wire.envelope import Inbound, Opener, Record


def without_inbox() -> None:
    """Every delivery is new: nothing is claimed and no answer is kept."""

    async def claim(tx: Write, batch: Sequence[Inbound]) -> Claim:
        return Claim(tuple(batch), {}, {})

    async def store(tx: Write, answered: object) -> None:
        return None

    inbox.claim, inbox.store = claim, store


def offsets_first() -> None:
    """At most once: a batch's offsets are committed before it is handled."""
    handle = Lane._on_batch  # noqa: SLF001

    async def on_batch(self: Lane, records: tuple[Record, ...]) -> None:
        await self._commit(records)
        await handle(self, records)

    Lane._on_batch = on_batch  # type: ignore[method-assign]  # noqa: SLF001


def refused_row() -> None:
    """Every application carries a phone number that the schema refuses."""
    e164 = roster._e164  # noqa: SLF001
    roster._e164 = lambda phone: e164(phone) and "nobody's"  # noqa: SLF001


def chatty() -> None:
    """Logs the bodies that it opens."""
    parse = Opener._parse  # noqa: SLF001

    def tell(self: Opener, kind: str, version: int, body: bytes) -> Request:
        structlog.get_logger().info("body.opened", body=body.decode())
        return parse(self, kind, version, body)

    Opener._parse = tell  # type: ignore[method-assign]  # noqa: SLF001


CONTROLS: dict[str, Callable[[], None]] = {
    "without-inbox": without_inbox,
    "offsets-first": offsets_first,
    "refused-row": refused_row,
    "chatty": chatty,
}


def command(name: str) -> tuple[str, ...]:
    """The command line of a control."""
    return (sys.executable, "-m", "tests.chassis.controls", name)


if __name__ == "__main__":
    CONTROLS[sys.argv[1]]()
    main()
