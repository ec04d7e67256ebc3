"""Business time the slow way: look at the wall clock once a minute."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.partners.review.calendar import MIDNIGHT, BusinessCalendar

MINUTE = timedelta(minutes=1)
Count = Callable[[BusinessCalendar, datetime, datetime], int]


def office(zone: str = "Europe/Berlin", **changes: object) -> BusinessCalendar:
    """Nine to five, Monday to Friday, no holidays."""
    usual: dict[str, object] = {
        "country": None,
        "subdivision": None,
        "opens": time(9),
        "closes": time(17),
        "weekdays": frozenset(range(5)),
        "extra_holidays": frozenset[date](),
    }
    return BusinessCalendar(zone, **{**usual, **changes})  # type: ignore[arg-type]


def seconds_by_minutes(calendar: BusinessCalendar, start: datetime, end: datetime) -> int:
    """Both ends at whole minutes; hours and changes of the clock are at whole minutes too."""
    zone, count = ZoneInfo(calendar.zone), 0
    while start < end:
        wall = start.astimezone(zone)
        shown = wall.time()
        open_ = shown >= calendar.opens and (calendar.closes == MIDNIGHT or shown < calendar.closes)
        count += open_ and calendar.is_business_day(wall.date())
        start += MINUTE
    return 60 * count


def seconds_by_local_times(calendar: BusinessCalendar, start: datetime, end: datetime) -> int:
    """What everybody writes first: windows and their parts as differences of local times. Wrong when clocks change."""
    zone = ZoneInfo(calendar.zone)
    since, until = (moment.astimezone(zone).replace(tzinfo=None) for moment in (start, end))
    total, day = timedelta(), since.date()
    while day <= until.date():
        opened, closed = datetime.combine(day, calendar.opens), datetime.combine(day, calendar.closes)
        if calendar.closes == MIDNIGHT:
            closed += timedelta(days=1)
        part = min(until, closed) - max(since, opened)
        if calendar.is_business_day(day) and part > timedelta():
            total += part
        day += timedelta(days=1)
    return int(total.total_seconds())


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]
