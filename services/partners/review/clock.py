"""The clock of one round of review: it runs in business time and stands still while the partner is asked for more.

Invariant: `used_seconds` is what all ended runs took; `warn_at` and `due_at` are there exactly while the clock runs.
Everything is whole seconds, so no pause loses or wins a part of one. A method that does not apply changes nothing and
returns the same clock: whoever calls twice, late or too early does no harm.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from contracts.partners import ReviewView
from services.partners.review.calendar import BusinessCalendar


@dataclass(frozen=True, slots=True)
class SlaPolicy:
    """A review may take `target_seconds` of business time; a warning comes at `warn_fraction` of it."""

    calendar: BusinessCalendar
    target_seconds: int
    warn_fraction: float = 0.8

    @property
    def warn_seconds(self) -> int:
        return round(self.target_seconds * self.warn_fraction)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewClock:
    """Rounds count from 1; a round lasts from a dossier's arrival to the decision on it."""

    round: int
    opened_at: datetime
    used_seconds: int = 0
    running_since: datetime | None = None
    warn_at: datetime | None = None
    due_at: datetime | None = None
    warned_at: datetime | None = None
    breached_at: datetime | None = None
    closed_at: datetime | None = None

    def used(self, policy: SlaPolicy, now: datetime) -> int:
        """Business seconds of this round so far."""
        if self.running_since is None:
            return self.used_seconds
        return self.used_seconds + policy.calendar.business_seconds(self.running_since, _whole(now))

    def paused(self, policy: SlaPolicy, now: datetime) -> "ReviewClock":
        if self.running_since is None:
            return self
        return replace(self, used_seconds=self.used(policy, now), running_since=None, warn_at=None, due_at=None)

    def resumed(self, policy: SlaPolicy, now: datetime) -> "ReviewClock":
        """Go on with what is left; what is used up already is due at once."""
        if self.running_since or self.closed_at:
            return self
        since = _whole(now)
        warn_at, due_at = _deadlines(policy, since, self.used_seconds)
        return replace(self, running_since=since, warn_at=warn_at, due_at=due_at)

    def closed(self, policy: SlaPolicy, now: datetime) -> "ReviewClock":
        """The decision has fallen; `used_seconds` is what the round took in all."""
        return self if self.closed_at else replace(self.paused(policy, now), closed_at=now)

    def warned(self, now: datetime) -> "ReviewClock":
        due = self.warn_at and not self.warned_at and self.warn_at <= now
        return replace(self, warned_at=now) if due else self

    def breached(self, now: datetime) -> "ReviewClock":
        due = self.due_at and not self.breached_at and self.due_at <= now
        return replace(self, breached_at=now) if due else self

    def view(self) -> ReviewView:
        paused = self.running_since is None and self.closed_at is None
        return ReviewView(due_at=self.due_at, paused=paused, breached=self.breached_at is not None)


def open_(policy: SlaPolicy, round_: int, now: datetime) -> ReviewClock:
    """A new round, running."""
    return ReviewClock(round=round_, opened_at=now).resumed(policy, now)


@lru_cache(maxsize=64)
def _deadlines(policy: SlaPolicy, since: datetime, used: int) -> tuple[datetime, datetime]:
    """When to warn and when it is due; reckoned once for all applications of one second."""
    warn_at, due_at = (
        policy.calendar.add(since, max(0, seconds - used)) for seconds in (policy.warn_seconds, policy.target_seconds)
    )
    return warn_at, due_at


def _whole(now: datetime) -> datetime:
    return now.replace(microsecond=0)
