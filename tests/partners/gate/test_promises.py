"""K1 and issue 4: what the gate promises holds for any partner, under any policy, at any moment."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.partners import PartnerState
from tests.partners.gate.promises import EVERY, Implementation, Trial, broken, no_part_of_what_is_offered_opens
from tests.partners.gate.states import Case, a_case, random_cases

GATE = Implementation()
LOOPED = tuple(promise for promise in EVERY if promise is not no_part_of_what_is_offered_opens)
"""The one left out follows from `nothing_smaller_opens`, and takes as long as all the others."""

MANY = 100_000


@st.composite
def cases(draw: st.DrawFn) -> Case:
    return a_case(lambda options: draw(st.sampled_from(list(options))))


@settings(max_examples=500, deadline=None)
@given(cases())
def test_every_promise_holds(case: Case) -> None:
    assert not broken(Trial(GATE, case))


def test_every_promise_holds_for_a_hundred_thousand_partners() -> None:
    seen: Counter[str] = Counter()
    faults: list[str] = []
    for case in random_cases(seed=4, count=MANY):
        trial = Trial(GATE, case)
        faults += broken(trial, LOOPED)
        seen[f"{case.facts.state.value} {len(trial.opened)}"] += 1

    assert not faults[:5]
    assert seen.total() == MANY
    assert {state for state in PartnerState if seen[f"{state.value} 0"] > 1_000} == set(PartnerState)
    assert min(seen["APPROVED 2"], seen["APPROVED 3"]) > 1_000


def test_no_part_of_what_is_offered_is_enough_in_whatever_order() -> None:
    trials = [Trial(GATE, case) for case in random_cases(seed=5, count=5_000)]

    assert not [fault for trial in trials if (fault := no_part_of_what_is_offered_opens(trial))]
