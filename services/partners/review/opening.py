"""How opening hours are written in settings; each function raises ValueError for what it cannot read."""

from datetime import date, time

from services.partners.review.calendar import MIDNIGHT

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def hours(text: str) -> tuple[time, time]:
    """`09:00-17:00`; `24:00` is the end of the day."""
    opens, dash, closes = text.partition("-")
    if not dash:
        raise ValueError("must look like 09:00-17:00")
    opened, closed = _clock(opens), MIDNIGHT
    if closes.strip() != "24:00":
        closed = _clock(closes)
        if closed <= opened:
            raise ValueError("must open before it closes, on the same day; the end of the day is 24:00")
    return opened, closed


def _clock(text: str) -> time:
    shown = time.fromisoformat(text.strip())
    if shown.tzinfo:
        raise ValueError(f"{text.strip()!r} has a time zone of its own")
    return shown


def weekdays(text: str) -> frozenset[int]:
    """`mon-fri`, `sun-thu`, `mon,wed,fri`: days and ranges of days, Monday is 0."""
    found: set[int] = set()
    for part in text.lower().split(","):
        first, _, last = part.strip().partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise ValueError(f"{part.strip()!r} is none of {', '.join(DAYS)} nor a range of them")
        start, end = DAYS.index(first), DAYS.index(last or first)
        found |= {day % 7 for day in range(start, end + 1 if start <= end else end + 8)}
    return frozenset(found)


def dates(text: str) -> frozenset[date]:
    """`2026-12-24,2026-12-31`, or nothing."""
    return frozenset(date.fromisoformat(part.strip()) for part in text.split(",") if part.strip())


def place(text: str) -> tuple[str | None, str | None]:
    """`DE` or `DE-BY` (ISO 3166-1 and 3166-2), or nothing."""
    country, _, subdivision = text.strip().partition("-")
    return country or None, subdivision or None
