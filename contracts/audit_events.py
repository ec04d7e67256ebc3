"""What the audit service tells about itself: that somebody read the log (A13).

A reading is an event like any other: it has a position, and whoever reads the log of it leaves the next one.
"""

from typing import ClassVar

from contracts.message import CommandRefused, EventData


class LogRead(EventData):
    """Somebody asked the log for events; a refused reading has its reason in the envelope and shows nothing.

    `filters` are those that were given, as text. Of a reading that showed nothing only the names are kept: a value that
    is in no event of the log is not put there by asking for it. `unsealed` counts the texts that the reader asked to
    have opened.
    """

    type: ClassVar[str] = "audit.read"
    version: ClassVar[int] = 2

    question: str
    filters: dict[str, str]
    shown: int
    unsealed: int


class AuditCommandRefused(CommandRefused):
    """A command to the log's own service that was turned down; the code is also the envelope's `reason_code`."""

    type: ClassVar[str] = "audit.refused"
