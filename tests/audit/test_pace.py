"""A backlog is recorded at a multiple of the rate at which it came; what comes now is recorded at once."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from services.audit.pace import LEAST_PER_SECOND, PORTION, PORTION_SECONDS, Paced
from tests.audit.ledger import record

pytestmark = pytest.mark.asyncio


class Recorder:
    """What it was given, in which portions, and for how long it was held back."""

    def __init__(self, behind: int, times: float) -> None:
        self.portions: list[Sequence[Any]] = []
        self.asked = 0
        self._behind = behind
        self._paced = Paced(self._take, self._waiting, times)

    async def take(self, records: Sequence[Any]) -> float:
        began = time.monotonic()
        await self._paced(records)
        assert [one for portion in self.portions for one in portion] == list(records)
        return time.monotonic() - began

    @property
    def sizes(self) -> list[int]:
        return [len(portion) for portion in self.portions]

    async def _take(self, records: Sequence[Any]) -> None:
        self.portions.append(records)

    async def _waiting(self) -> int:
        self.asked += 1
        return self._behind


def came(seconds_ago: float, number: int) -> list[Any]:
    moment = int((time.time() - seconds_ago) * 1000)
    return [replace(record(b"{}", offset=n), timestamp=moment) for n in range(number)]


async def test_what_comes_now_is_recorded_at_once() -> None:
    recorder = Recorder(behind=1_000_000, times=6)

    took = await recorder.take(came(1, 2_000))

    assert recorder.sizes == [2_000]
    assert took < 2_000 / LEAST_PER_SECOND / 4
    assert recorder.asked == 0


async def test_a_backlog_of_few_events_is_recorded_a_few_at_a_time() -> None:
    recorder = Recorder(behind=600, times=6)

    took = await recorder.take(came(600, 300))

    assert recorder.sizes == [PORTION, PORTION, 300 - 2 * PORTION]
    assert took >= 300 / LEAST_PER_SECOND


async def test_one_of_many_events_is_recorded_as_many_times_faster_than_they_came() -> None:
    """60,000 that have come in a minute are a thousand a second."""
    recorder = Recorder(behind=60_000, times=5)

    took = await recorder.take(came(60, 1_000))

    assert recorder.sizes[0] == pytest.approx(5_000 * PORTION_SECONDS, rel=0.01)
    assert 1_000 / 5_000 * 0.99 <= took < 1_000 / LEAST_PER_SECOND


async def test_zero_holds_nothing_back() -> None:
    recorder = Recorder(behind=600, times=0)

    took = await recorder.take(came(600, 1_000))

    assert recorder.sizes == [1_000]
    assert took < 1_000 / LEAST_PER_SECOND / 4


async def test_a_record_without_a_moment_is_as_old_as_can_be() -> None:
    recorder = Recorder(behind=600, times=6)

    assert await recorder.take(came(time.time() + 0.001, 10)) >= 10 / LEAST_PER_SECOND
