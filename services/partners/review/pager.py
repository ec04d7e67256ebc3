"""Pages go out over apprise, to whatever service its URLs name.

A page is at least once: what was late or only half taken is reported as not sent, and whoever sends it again is
recognised by the page's id, which stands in the last line. A URL holds secrets, so no text of ours ever does.
"""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType
from apprise.utils.parse import parse_urls

AT_ONCE = 4
DEADLINE_SECONDS = 10.0
"""Longer than apprise's own waits of four seconds to connect and four to read."""


def levels_of(*settings: str) -> list[list[str]]:
    """Targets by level, from one setting a level with apprise URLs in it; a level without any is left out."""
    return [urls for urls in map(parse_urls, settings) if urls]


class Pager:
    """Whom to page at which level, the first being 1. Raises ValueError for what is no apprise URL."""

    def __init__(self, urls_by_level: Sequence[Sequence[str]], deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._levels = [list(urls) for urls in urls_by_level]
        self._deadline = deadline_seconds
        self._pool = ThreadPoolExecutor(AT_ONCE, "pager")
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # a URL it cannot read, it logs as it is
        for level, urls in enumerate(self._levels, 1):
            for number, url in enumerate(urls, 1):
                if _target(url) is None:
                    raise ValueError(f"target {number} of level {level} is no apprise URL")

    @property
    def levels(self) -> int:
        """How many levels there are to page."""
        return len(self._levels)

    async def send(self, level: int, title: str, body: str, page_id: UUID) -> str | None:
        """None when every target of the level took it, else what went wrong."""
        urls = self._levels[level - 1] if 0 < level <= self.levels else []
        if not urls:
            return f"there is nobody to page at level {level}"
        loop, text = asyncio.get_running_loop(), f"{body}\n\nPage {page_id}"
        calls = [loop.run_in_executor(self._pool, _notify, url, title, text) for url in urls]
        await asyncio.wait(calls, timeout=self._deadline)
        failures = [self._failure(call) for call in calls]
        told = [f"target {number} of {len(urls)}: {why}" for number, why in enumerate(failures, 1) if why]
        return "; ".join(told) or None

    def close(self) -> None:
        """Calls that have begun run on for the few seconds that apprise gives them."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _failure(self, call: "asyncio.Future[bool]") -> str | None:
        if not call.done():
            call.cancel()
            return f"no answer within {self._deadline:g} s"
        if error := call.exception():
            return type(error).__name__
        return None if call.result() else "not taken"


def _notify(url: str, title: str, text: str) -> bool:
    """A target of its own for each call: apprise's plugins keep state and are not made for several threads."""
    target = _target(url)
    return bool(target and target.notify(text, title, NotifyType.WARNING, body_format=NotifyFormat.TEXT))


def _target(url: str) -> Apprise | None:
    target = Apprise(asset=AppriseAsset(app_id="Gatehouse", app_desc="Gatehouse"))
    return target if target.add(url) else None
