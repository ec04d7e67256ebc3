"""Places where a process may die, named so that tests can kill it at each of them.

Armed only when GATEHOUSE_CRASH_FILE is set: the process kills itself once when it reaches the point written in
that file (`point` or `point message.type`), and the file is gone afterwards.
"""

import os
import signal
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path


class Point(StrEnum):
    AFTER_CLAIM = "after_claim"
    AFTER_HANDLER = "after_handler"
    BEFORE_COMMIT = "before_commit"
    AFTER_COMMIT = "after_commit"
    AFTER_PUBLISH = "after_publish"
    BEFORE_OFFSETS = "before_offsets"


_armed = os.environ.get("GATEHOUSE_CRASH_FILE")


def reach(point: StrEnum, message_types: Iterable[str] = ()) -> None:
    """Die here by SIGKILL when a test asked for it; otherwise cost one comparison."""
    if _armed is None:
        return
    order = Path(_armed)
    wanted, _, message_type = order.read_text().strip().partition(" ") if order.exists() else ("", "", "")
    if wanted == point and (not message_type or message_type in message_types):
        order.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
