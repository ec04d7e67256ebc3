"""The clock of a review: pauses stop it, warnings and breaches come once a round, seconds equal minutes (S1.36)."""

from dataclasses import fields
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.partners.review.clock import ReviewClock, SlaPolicy, open_
from tests.partners.review.brute import office, seconds_by_minutes, utc

HOUR = 3_600
BERLIN = SlaPolicy(office("Europe/Berlin"), 16 * HOUR)
MONDAY = utc(2026, 11, 23, 8)  # nine o'clock in Berlin
BEFORE_THE_CHANGE = {"Europe/Berlin": utc(2026, 3, 26), "America/New_York": utc(2026, 10, 29)}

STEPS = st.lists(st.integers(0, 3 * 1_440), min_size=1, max_size=8)
"""Minutes between one move and the next: paused and resumed in turn."""


def rounds_of(zone: str, minutes: list[int]) -> tuple[SlaPolicy, list[datetime]]:
    policy = SlaPolicy(office(zone, country="DE"), 8 * HOUR)
    moments = [BEFORE_THE_CHANGE[zone]]
    for gap in minutes:
        moments.append(moments[-1] + timedelta(minutes=gap))
    return policy, moments


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(BEFORE_THE_CHANGE)), STEPS)
def test_however_it_is_interrupted_it_counts_the_minutes_it_ran(zone: str, minutes: list[int]) -> None:
    policy, moments = rounds_of(zone, minutes)
    clock, expected = open_(policy, 1, moments[0]), 0

    for n, (since, now) in enumerate(pairwise(moments)):
        if n % 2 == 0:
            clock, expected = clock.paused(policy, now), expected + seconds_by_minutes(policy.calendar, since, now)
        else:
            clock = clock.resumed(policy, now)

    assert clock.closed(policy, moments[-1]).used_seconds == expected


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(BEFORE_THE_CHANGE)), STEPS, st.integers(0, 4 * 86_400))
def test_it_is_due_exactly_when_its_seconds_are_used(zone: str, minutes: list[int], later: int) -> None:
    policy, moments = rounds_of(zone, minutes)
    clock = open_(policy, 1, moments[0])
    for n, now in enumerate(moments[1:]):
        clock = clock.paused(policy, now) if n % 2 == 0 else clock.resumed(policy, now)
    clock, now = clock.resumed(policy, moments[-1]), moments[-1] + timedelta(seconds=later)

    assert clock.warn_at is not None
    assert clock.due_at is not None
    assert (clock.warn_at <= now) is (clock.used(policy, now) >= policy.warn_seconds)
    assert (clock.due_at <= now) is (clock.used(policy, now) >= policy.target_seconds)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["pause", "resume", "warn", "breach", "close"]), st.integers(0, 86_400))))
def test_whatever_happens_a_warning_and_a_breach_come_at_most_once_a_round(moves: list[tuple[str, int]]) -> None:
    clock, now = open_(BERLIN, 1, MONDAY), MONDAY
    warned, breached = 0, 0

    for move, gap in moves:
        now += timedelta(seconds=gap)
        before = clock
        match move:
            case "pause":
                clock = clock.paused(BERLIN, now)
            case "resume":
                clock = clock.resumed(BERLIN, now)
            case "warn":
                clock = clock.warned(now)
                warned += clock is not before
            case "breach":
                clock = clock.breached(now)
                breached += clock is not before
            case _:
                clock = clock.closed(BERLIN, now)

    assert warned == (clock.warned_at is not None)
    assert breached == (clock.breached_at is not None)
    assert not (clock.closed_at and clock.running_since)
    assert (clock.due_at is None) is (clock.running_since is None)


def test_a_review_that_starts_on_monday_morning_is_due_on_tuesday_evening() -> None:
    clock = open_(BERLIN, 1, MONDAY)

    assert clock.due_at == utc(2026, 11, 24, 16)
    assert clock.warn_at == utc(2026, 11, 24, 12, 48)  # 12.8 of 16 hours
    assert clock.view().model_dump() == {"due_at": clock.due_at, "paused": False, "breached": False}


def test_a_pause_stops_the_clock_and_resuming_goes_on_with_what_is_left() -> None:
    clock = open_(BERLIN, 1, MONDAY).paused(BERLIN, utc(2026, 11, 23, 12))

    assert (clock.used_seconds, clock.warn_at, clock.due_at) == (4 * HOUR, None, None)
    assert clock.view().model_dump() == {"due_at": None, "paused": True, "breached": False}

    resumed = clock.resumed(BERLIN, utc(2026, 11, 30, 8))

    assert resumed.due_at == utc(2026, 12, 1, 12)
    assert resumed.round == 1


def test_a_paused_review_is_never_warned_of_nor_breached() -> None:
    clock = open_(BERLIN, 1, MONDAY).paused(BERLIN, utc(2026, 11, 23, 12))

    assert clock.warned(utc(2027, 1, 1)) is clock
    assert clock.breached(utc(2027, 1, 1)) is clock


def test_too_early_and_too_often_change_nothing() -> None:
    clock = open_(BERLIN, 1, MONDAY)
    due = utc(2026, 11, 24, 16)

    assert clock.breached(due - timedelta(microseconds=1)) is clock
    breached = clock.breached(due)
    assert breached.breached_at == due
    assert breached.breached(due + timedelta(hours=1)) is breached
    assert breached.view().breached


def test_a_used_up_review_that_goes_on_is_due_at_once() -> None:
    clock = open_(BERLIN, 1, MONDAY).paused(BERLIN, utc(2026, 11, 25, 9))

    resumed = clock.resumed(BERLIN, utc(2026, 11, 28, 20))

    assert (resumed.warn_at, resumed.due_at) == (utc(2026, 11, 28, 20), utc(2026, 11, 28, 20))


def test_a_closed_review_stands_still_for_ever_and_says_what_it_took() -> None:
    closed = open_(BERLIN, 1, MONDAY).closed(BERLIN, utc(2026, 11, 24, 9))

    assert closed.used_seconds == 9 * HOUR
    assert closed.resumed(BERLIN, utc(2026, 11, 25, 9)) is closed
    assert closed.closed(BERLIN, utc(2026, 11, 25, 9)) is closed
    assert closed.warned(utc(2027, 1, 1)) is closed
    assert closed.view().model_dump() == {"due_at": None, "paused": False, "breached": False}


def test_parts_of_a_second_are_neither_lost_nor_won_by_many_pauses() -> None:
    clock, now = open_(BERLIN, 1, MONDAY + timedelta(milliseconds=900)), MONDAY

    for _ in range(1_000):
        now += timedelta(seconds=10, milliseconds=200)
        clock = clock.paused(BERLIN, now).resumed(BERLIN, now)

    assert clock.used(BERLIN, now) == 10_200


@pytest.mark.parametrize(("fraction", "seconds"), [(0.8, 46_080), (0.5, 28_800), (0.999, 57_542)])
def test_the_warning_comes_at_its_fraction(fraction: float, seconds: int) -> None:
    assert SlaPolicy(BERLIN.calendar, 57_600, fraction).warn_seconds == seconds


def test_every_field_is_a_column() -> None:
    """`store.save_reviews` writes the fields in this order."""
    assert [f.name for f in fields(ReviewClock)] == [
        "round",
        "opened_at",
        "used_seconds",
        "running_since",
        "warn_at",
        "due_at",
        "warned_at",
        "breached_at",
        "closed_at",
    ]
