"""Business time: seconds within opening hours, by the wall clock of one place.

Invariant: a moment counts exactly when the clock on the wall there shows opening hours of a business day. Seconds are
counted in UTC, so a day on which clocks change has more or fewer of them: an hour that is skipped counts nothing, one
that comes twice counts twice.
"""

from bisect import bisect_left
from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from math import ceil, floor
from zoneinfo import ZoneInfo

from holidays import country_holidays

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
HORIZON = timedelta(days=3_660)
MIDNIGHT = time(0)
WEEK = frozenset(range(7))

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class BusinessCalendar:
    """Opening hours of the same length every business day; `closes` at midnight is the end of the day.

    `weekdays` count from Monday, 0. Public holidays of `country` (ISO 3166) and its `subdivision`, and
    `extra_holidays`, are no business days. Raises ValueError for what is no calendar.
    """

    zone: str
    country: str | None
    subdivision: str | None
    opens: time
    closes: time
    weekdays: frozenset[int]
    extra_holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if not (self.opens < self.closes or self.closes == MIDNIGHT):
            raise ValueError("it must open before it closes, on the same day")
        if not self.weekdays or not self.weekdays <= WEEK:
            raise ValueError("at least one day of the week must be a business day")
        _ = self._tz, self._public_holidays  # both say no to a place they do not know

    def business_seconds(self, start: datetime, end: datetime) -> int:
        """Whole seconds of business time between two aware moments; 0 when they are in the wrong order."""
        spans = self._spans(_utc(start), _utc(end))
        return sum((closed - opened for opened, closed in spans), timedelta()) // SECOND

    def add(self, start: datetime, seconds: int) -> datetime:
        """The earliest moment, in UTC, at which `seconds` of business time have passed since `start`."""
        moment, left = _utc(start), timedelta(seconds=seconds)
        if left <= timedelta():
            return moment
        for opened, closed in self._spans(moment, moment + HORIZON):
            if closed - opened >= left:
                return opened + left
            left -= closed - opened
        raise ValueError(f"there are no {seconds} business seconds in the {HORIZON.days} days after {start}")

    def is_business_day(self, day: date) -> bool:
        return day.weekday() in self.weekdays and day not in self.extra_holidays and day not in self._public_holidays

    @cached_property
    def _tz(self) -> ZoneInfo:
        return time_zone(self.zone)

    @cached_property
    def _public_holidays(self) -> Container[date]:
        return public_holidays(self.country, self.subdivision)

    def _spans(self, start: datetime, end: datetime) -> Iterator[Span]:
        """The open parts of a range, in order; each has one UTC offset."""
        for since, until, offset in self._segments(start, end):
            day = (since + offset).date()
            while day <= (until + offset).date():
                opened, closed = self._hours(day, offset)
                span = max(since, opened), min(until, closed)
                if span[0] < span[1] and self.is_business_day(day):
                    yield span
                day += DAY

    def _hours(self, day: date, offset: timedelta) -> Span:
        """When the wall clock would show opening and closing, were the offset the same all day."""
        opened, closed = (datetime.combine(day, at, UTC) - offset for at in (self.opens, self.closes))
        return opened, closed + DAY if self.closes == MIDNIGHT else closed

    def _segments(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
        """The range in pieces within which clocks do not change; nowhere do they change and change back in a day."""
        while start < end:
            offset, until = self._offset(start), min(start + DAY, end)
            if self._offset(until) != offset:
                until = self._change(start, until)
            yield start, until, offset
            start = until

    def _change(self, start: datetime, end: datetime) -> datetime:
        """The first whole second with another offset than `start` has; clocks change at whole seconds."""
        before, low, high = self._offset(start), floor(start.timestamp()), ceil(end.timestamp())
        seconds = range(low, high + 1)
        found = bisect_left(seconds, True, key=lambda at: self._offset(datetime.fromtimestamp(at, UTC)) != before)
        return datetime.fromtimestamp(seconds[found], UTC)

    def _offset(self, moment: datetime) -> timedelta:
        return moment.astimezone(self._tz).utcoffset() or timedelta()


def time_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone of this machine") from error


def public_holidays(country: str | None, subdivision: str | None = None) -> Container[date]:
    """Those of every year; the library works out a year when it is first asked for."""
    if country is None:
        return frozenset()
    if len(country) != 2 or not country.isupper():  # the library takes the names of its own classes for countries too
        raise ValueError(f"{country!r} is no ISO 3166-1 code of two letters")
    try:
        return country_holidays(country, subdiv=subdivision)
    except NotImplementedError as error:
        raise ValueError(str(error)) from error


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} says nothing of its time zone")
    return moment.astimezone(UTC)
