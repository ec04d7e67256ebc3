"""Business time equals a count of minutes by the wall clock, whatever clocks do there (S1.36)."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.partners.review.calendar import BusinessCalendar
from tests.partners.review.brute import Count, office, seconds_by_local_times, seconds_by_minutes, utc

OPEN, CLOSED = "open", "closed"
ROUND_THE_CLOCK = {"opens": time(0), "closes": time(0), "weekdays": frozenset(range(7))}
CHANGES = {
    "Europe/Berlin": (utc(2026, 3, 29, 1), utc(2026, 10, 25, 1)),
    "America/New_York": (utc(2026, 3, 8, 7), utc(2026, 11, 1, 6)),
    "Australia/Lord_Howe": (utc(2026, 4, 4, 15), utc(2026, 10, 3, 15, 30)),  # by half an hour
    "America/Santiago": (utc(2026, 4, 5, 3), utc(2026, 9, 6, 4)),  # at midnight: a day without its first hour
    "Pacific/Apia": (utc(2011, 12, 30, 10), utc(2011, 12, 30, 10)),  # a Friday that never was
}
MINUTES = st.integers(-4 * 1_440, 4 * 1_440).map(lambda n: timedelta(minutes=n))


@st.composite
def calendars(draw: st.DrawFn) -> BusinessCalendar:
    quarters = st.integers(0, 95)
    opens = draw(quarters)
    closes = draw(st.integers(opens + 1, 96))
    return office(
        draw(st.sampled_from(sorted(CHANGES))),
        opens=time(opens // 4, opens % 4 * 15),
        closes=time(closes // 4 % 24, closes % 4 * 15),
        weekdays=draw(st.frozensets(st.integers(0, 6), min_size=1)),
        extra_holidays=draw(st.frozensets(st.sampled_from([date(2026, 3, 30), date(2026, 10, 26), date(2026, 4, 6)]))),
    )


@st.composite
def ranges(draw: st.DrawFn, zone: str) -> tuple[datetime, datetime]:
    """A few days around a change of the clock."""
    change = draw(st.sampled_from(CHANGES[zone]))
    start, end = sorted((change + draw(MINUTES), change + draw(MINUTES)))
    return start, end


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_range_around_any_change_of_the_clock_counts_like_its_minutes(data: st.DataObject) -> None:
    calendar = data.draw(calendars())
    start, end = data.draw(ranges(calendar.zone))

    assert calendar.business_seconds(start, end) == seconds_by_minutes(calendar, start, end)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_adding_is_the_earliest_moment_with_that_many_seconds(data: st.DataObject) -> None:
    calendar = data.draw(calendars())
    start, _ = data.draw(ranges(calendar.zone))
    seconds = data.draw(st.integers(0, 200_000))

    moment = calendar.add(start, seconds)

    assert calendar.business_seconds(start, moment) == seconds
    assert moment == start or calendar.business_seconds(start, moment - timedelta(seconds=1)) < seconds


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_parts_of_a_range_add_up(data: st.DataObject) -> None:
    calendar = data.draw(calendars())
    start, end = data.draw(ranges(calendar.zone))
    between = start + (end - start) // 3 // timedelta(seconds=1) * timedelta(seconds=1)

    parts = calendar.business_seconds(start, between) + calendar.business_seconds(between, end)

    assert parts == calendar.business_seconds(start, end)


def wrong_in_a_year(count: Count, calendar: BusinessCalendar) -> list[date]:
    """The days of 2026, by UTC, on which a way of counting differs from the minutes."""
    days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(365)]
    ranges = [(day, day + timedelta(days=1)) for day in days]
    return [s.date() for s, e in ranges if count(calendar, s, e) != seconds_by_minutes(calendar, s, e)]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_every_day_of_a_year_round_the_clock_is_right(zone: str) -> None:
    assert wrong_in_a_year(BusinessCalendar.business_seconds, office(zone, **ROUND_THE_CLOCK)) == []


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_control_differences_of_local_times_are_wrong_on_both_changes(zone: str) -> None:
    wrong = wrong_in_a_year(seconds_by_local_times, office(zone, **ROUND_THE_CLOCK))

    assert wrong == [change.date() for change in CHANGES[zone]]


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        pytest.param(date(2026, 3, 28), 24, id="the day before"),
        pytest.param(date(2026, 3, 29), 23, id="clocks go forward"),
        pytest.param(date(2026, 10, 25), 25, id="clocks go back"),
    ],
)
def test_a_day_round_the_clock_has_the_hours_that_pass(day: date, hours: int) -> None:
    calendar = office("Europe/Berlin", **ROUND_THE_CLOCK)
    midnight = datetime.combine(day, time(0), UTC) - timedelta(hours=1 if day.month == 3 else 2)

    assert calendar.business_seconds(midnight, midnight + timedelta(hours=hours)) == hours * 3_600
    assert calendar.add(midnight, hours * 3_600) == midnight + timedelta(hours=hours)


def test_hours_that_begin_within_the_skipped_hour_begin_when_clocks_have_jumped() -> None:
    calendar = office("Europe/Berlin", opens=time(2, 30), closes=time(4), weekdays=frozenset({6}))

    assert calendar.add(utc(2026, 3, 29, 0), 1) == utc(2026, 3, 29, 1, 0, 1)
    assert calendar.business_seconds(utc(2026, 3, 29, 0), utc(2026, 3, 30, 0)) == 3_600


def test_hours_within_the_hour_that_comes_twice_count_twice() -> None:
    calendar = office("Europe/Berlin", opens=time(2), closes=time(2, 30), weekdays=frozenset({6}))

    assert calendar.business_seconds(utc(2026, 10, 25, 0), utc(2026, 10, 26, 0)) == 3_600


def test_a_day_that_the_zone_skipped_has_no_hours() -> None:
    calendar = office("Pacific/Apia", weekdays=frozenset(range(7)))

    assert calendar.business_seconds(utc(2011, 12, 29, 10), utc(2011, 12, 31, 10)) == 2 * 8 * 3_600


def test_two_working_days_end_at_closing_time_not_at_the_next_opening() -> None:
    calendar = office("Europe/Berlin")

    assert calendar.add(utc(2026, 11, 23, 8), 16 * 3_600) == utc(2026, 11, 24, 16)


def test_what_comes_after_hours_waits_for_the_morning() -> None:
    calendar = office("Europe/Berlin")
    friday_evening = utc(2026, 11, 20, 18, 30)

    assert calendar.add(friday_evening, 3_600) == utc(2026, 11, 23, 9)
    assert calendar.add(friday_evening, 0) == friday_evening


@pytest.mark.parametrize(
    ("place", "day", "shown"),
    [
        pytest.param(("DE", None), date(2026, 10, 3), CLOSED, id="a holiday of the country, a Saturday too"),
        pytest.param(("DE", None), date(2026, 12, 25), CLOSED, id="Christmas"),
        pytest.param(("DE", None), date(2026, 1, 6), OPEN, id="a holiday of another state"),
        pytest.param(("DE", "BY"), date(2026, 1, 6), CLOSED, id="a holiday of this state"),
        pytest.param(("US", None), date(2027, 12, 24), CLOSED, id="Christmas on a Saturday is kept on Friday"),
        pytest.param((None, None), date(2026, 12, 25), OPEN, id="no country, no holidays"),
    ],
)
def test_public_holidays_are_no_business_days(place: tuple[str | None, str | None], day: date, shown: str) -> None:
    calendar = office("UTC", country=place[0], subdivision=place[1])

    assert calendar.is_business_day(day) is (shown == "open")


def test_holidays_push_a_deadline() -> None:
    plain, bavarian = office("Europe/Berlin"), office("Europe/Berlin", country="DE", subdivision="BY")
    closed = office("Europe/Berlin", country="DE", subdivision="BY", extra_holidays=frozenset({date(2026, 12, 24)}))
    wednesday_noon = utc(2026, 12, 23, 11)

    due = [calendar.add(wednesday_noon, 8 * 3_600) for calendar in (plain, bavarian, closed)]

    assert due == [utc(2026, 12, 24, 11), utc(2026, 12, 24, 11), utc(2026, 12, 28, 11)]
    assert bavarian.add(wednesday_noon, 16 * 3_600) == utc(2026, 12, 28, 11)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"zone": "Mars/Olympus"}, "time zone", id="a zone there is not"),
        pytest.param({"zone": "../../etc/passwd"}, "time zone", id="a path"),
        pytest.param({"country": "ZZ"}, "ZZ", id="a country there is not"),
        pytest.param({"country": "DE", "subdivision": "XX"}, "XX", id="a state there is not"),
        pytest.param({"opens": time(17), "closes": time(9)}, "before it closes", id="closes before it opens"),
        pytest.param({"opens": time(9), "closes": time(9)}, "before it closes", id="never open"),
        pytest.param({"weekdays": frozenset()}, "day of the week", id="no days"),
        pytest.param({"weekdays": frozenset({7})}, "day of the week", id="an eighth day"),
    ],
)
def test_what_is_no_calendar_is_refused(changes: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        office(**{"zone": "UTC", **changes})  # type: ignore[arg-type]


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        office().business_seconds(datetime(2026, 1, 1), utc(2026, 1, 2))  # noqa: DTZ001


def test_a_calendar_that_hardly_ever_opens_says_so_instead_of_searching_for_ever() -> None:
    calendar = office("UTC", opens=time(9), closes=time(9, 1), weekdays=frozenset({0}))

    with pytest.raises(ValueError, match="no 57600 business seconds"):
        calendar.add(utc(2026, 1, 1), 57_600)
