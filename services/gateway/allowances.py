"""How much somebody may do: an allowance that fills up again, for each of a bounded number of names."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

REMEMBERED = 10_000


class Allowances:
    """A token bucket for each name: `burst` at once, then `per_second`; a rate of 0 lets everybody pass.

    Only the names seen last are remembered: whoever is forgotten begins anew with a full bucket.
    """

    def __init__(
        self,
        per_second: float,
        burst: int,
        remembered: int = REMEMBERED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate, self._burst, self._remembered, self._clock = per_second, burst, remembered, clock
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def wait(self, name: Hashable) -> float:
        """Seconds until this name may go on; 0 if it may now. Takes nothing."""
        if not self._rate or name not in self._left:
            return 0.0
        return max(0.0, (1 - self._now(name)) / self._rate)

    def take(self, name: Hashable) -> float:
        """Use up one if there is one; else the seconds until there is."""
        if not self._rate:
            return 0.0
        left = self._now(name)
        granted = left >= 1
        self._left[name] = (left - granted, self._clock())
        self._left.move_to_end(name)
        if len(self._left) > self._remembered:
            self._left.popitem(last=False)
        return 0.0 if granted else (1 - left) / self._rate

    def _now(self, name: Hashable) -> float:
        left, at = self._left.get(name, (self._burst, 0.0))
        return min(self._burst, left + (self._clock() - at) * self._rate)
