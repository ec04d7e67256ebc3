"""K1 and issue 4: what the gate promises holds for any partner, under any policy, at any moment."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.partners import PartnerState
from tests.partners.gate.promises import EVERY, Implementation, Trial, broken, no_part_of_what_is_offered_opens
from tests.partners.gate.states import Case, a_case, random_cases

GATE = Implementation()
LOOPED = tuple(promise for promise in EVERY if promise is not no_part_of_what_is_offered_opens)
"""The one left out follows from `nothing_smaller_opens`, and takes as long as all the others."""


@st.composite
def cases(draw: st.DrawFn) -> Case:
    return a_case(lambda options: draw(st.sampled_from(list(options))))


@settings(max_examples=500, deadline=None)
@given(cases())
def test_every_promise_holds(case: Case) -> None:
    assert not broken(Trial(GATE, case))


@pytest.mark.parametrize("count", [20_000, pytest.param(100_000, marks=pytest.mark.faults)])
def test_every_promise_holds_for_so_many_partners(count: int) -> None:
    """Whatever the count, each state is seen often, closed and open."""
    seen: Counter[str] = Counter()
    faults: list[str] = []
    for case in random_cases(seed=4, count=count):
        trial = Trial(GATE, case)
        faults += broken(trial, LOOPED)
        seen[f"{case.facts.state.value} {len(trial.opened)}"] += 1

    assert not faults[:5]
    assert seen.total() == count
    assert {state for state in PartnerState if seen[f"{state.value} 0"] > count // 100} == set(PartnerState)
    assert min(seen["APPROVED 2"], seen["APPROVED 3"]) > count // 100


def test_no_part_of_what_is_offered_is_enough_in_whatever_order() -> None:
    trials = [Trial(GATE, case) for case in random_cases(seed=5, count=5_000)]

    assert not [fault for trial in trials if (fault := no_part_of_what_is_offered_opens(trial))]
