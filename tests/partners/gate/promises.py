"""What the gate promises, each as a check of one case that says what is broken, or nothing.

They judge an `Implementation`, so that a broken one can show that they would notice.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from contracts.gate import RequirementsView
from services.partners.gate import (
    Capability,
    Change,
    Closed,
    Facts,
    Obstacle,
    Open,
    Policy,
    apply,
    decide,
    obstacles,
    openings,
    requirements,
)
from services.partners.gate.explain import Path
from tests.partners.gate.states import NOON, Case


@dataclass(frozen=True, slots=True)
class Implementation:
    """The functions that are judged."""

    obstacles: Callable[[Facts, Policy, datetime], tuple[Obstacle, ...]] = obstacles
    decide: Callable[[Facts, Policy, Capability, datetime], Open | Closed] = decide
    requirements: Callable[[Facts, Policy, datetime], RequirementsView] = requirements
    openings: Callable[[Facts, Policy, datetime], dict[Capability, Path]] = openings

    def opened(self, facts: Facts, policy: Policy, now: datetime = NOON) -> frozenset[Capability]:
        return frozenset(c for c in Capability if isinstance(self.decide(facts, policy, c, now), Open))


class Trial:
    """One case before one implementation; what several promises look at is asked once."""

    def __init__(self, gate: Implementation, case: Case) -> None:
        self.gate, self.case = gate, case
        self.facts, self.policy = case.facts, case.policy

    @cached_property
    def verdicts(self) -> dict[Capability, Open | Closed]:
        return {c: self.gate.decide(self.facts, self.policy, c, NOON) for c in Capability}

    @cached_property
    def opened(self) -> frozenset[Capability]:
        return frozenset(c for c, verdict in self.verdicts.items() if isinstance(verdict, Open))

    @cached_property
    def opened_later(self) -> frozenset[Capability]:
        return self.gate.opened(self.facts, self.policy, self.case.later)

    @cached_property
    def view(self) -> RequirementsView:
        return self.gate.requirements(self.facts, self.policy, NOON)

    @cached_property
    def offered(self) -> dict[Capability, Path]:
        return self.gate.openings(self.facts, self.policy, NOON)

    def further(self, frontier: Iterable[Facts], changes: Iterable[Change]) -> Iterator[Facts]:
        """Every partner that is one of these changes away."""
        made = (apply(facts, change, self.policy, NOON) for facts in frontier for change in changes)
        return (facts for facts in made if facts is not None)


Promise = Callable[[Trial], str]


def list_is_empty_exactly_when_the_gate_is_open(trial: Trial) -> str:
    empty = not trial.view.currently_due and not trial.view.errors
    opened = trial.opened == frozenset(Capability)
    shown = trial.view.gate.open
    return "" if empty == opened == shown else f"empty {empty}, gate open {opened}, shown {shown}"


def list_and_gate_agree_for_every_capability(trial: Trial) -> str:
    for capability, verdict in trial.verdicts.items():
        view = trial.view.gate.capabilities[capability.value]
        told = (False, verdict.code, verdict.reasons) if isinstance(verdict, Closed) else (True, None, ())
        if told != (view.open, view.code, view.reasons):
            return f"{capability}: decided {told}, shown {view}"
    return ""


def a_stricter_policy_opens_nothing(trial: Trial) -> str:
    stricter = trial.case.stricter
    more = trial.gate.opened(trial.facts, stricter) - trial.opened
    return f"{stricter.version} opens {more}" if more else ""


def time_alone_opens_nothing(trial: Trial) -> str:
    """And no obstacle vanishes, but that a re-review that is pending becomes one that is overdue."""
    before, after = (
        {(o.code.value, o.field) for o in trial.gate.obstacles(trial.facts, trial.policy, moment)}
        for moment in (NOON, trial.case.later)
    )
    if ("REREVIEW_OVERDUE", "") in after:
        before.discard(("REREVIEW_PENDING", ""))
    more, gone = trial.opened_later - trial.opened, before - after
    return f"{more} opened, {gone} vanished" if more or gone else ""


def nothing_closes_before_the_deadline(trial: Trial) -> str:
    """Where the list names a deadline that lies ahead, nothing changes before it."""
    ahead = trial.view.current_deadline
    if ahead is None or ahead <= NOON or trial.case.later >= ahead:
        return ""
    return f"{trial.opened_later ^ trial.opened} changed before {ahead}" if trial.opened_later != trial.opened else ""


def what_is_offered_opens(trial: Trial) -> str:
    """Made one after the other, on the facts that each is said to be made on."""
    for path, capabilities in _ways(trial.offered):
        reached: Facts | None = trial.facts
        for change, before in path:
            if reached != before:
                return f"{change} of {path} is said to be made on other facts"
            reached = apply(before, change, trial.policy, NOON)
        if reached is None or not capabilities <= trial.gate.opened(reached, trial.policy):
            return f"{[change for change, _ in path]} does not open all of {capabilities}"
    return ""


def _ways(offered: dict[Capability, Path]) -> Iterator[tuple[Path, set[Capability]]]:
    """Each way once, with what it opens."""
    for path in {id(path): path for path in offered.values()}.values():
        yield path, {capability for capability, its_path in offered.items() if its_path is path}


def no_part_of_what_is_offered_opens(trial: Trial) -> str:
    """No proper subset, in whatever order."""
    for path, capabilities in _ways(trial.offered):
        changes = {change for change, _ in path}
        if len(changes) < len(path):
            return f"a change stands twice in {path}"
        for left_out in changes:
            if any(not capabilities.isdisjoint(opened) for opened in _opened_by(trial, changes - {left_out})):
                return f"{left_out} is not needed among {changes} for all of {capabilities}"
    return ""


def _opened_by(trial: Trial, changes: set[Change]) -> Iterator[frozenset[Capability]]:
    """What is open after each legal sequence of no more than this many of these changes."""
    frontier = {trial.facts}
    for _ in range(len(changes) + 1):
        yield from (trial.gate.opened(facts, trial.policy) for facts in frontier)
        frontier = set(trial.further(frontier, changes))


def nothing_smaller_opens(trial: Trial) -> str:
    """Not fewer changes of any kind in any order, so no part of the set either; only a final rejection has no way."""
    if len(trial.offered) < len(Capability):
        return "" if trial.facts.rejected_final else f"no way is offered for {set(Capability) - set(trial.offered)}"
    sizes = {capability: len(path) for capability, path in trial.offered.items()}
    frontier = {trial.facts}
    for size in range(max(sizes.values())):
        frontier = set(trial.further(frontier, Change)) if size else frontier
        larger = frozenset(capability for capability in Capability if size < sizes[capability])
        for facts in frontier:
            closed = {c for o in trial.gate.obstacles(facts, trial.policy, NOON) for c in o.closes}
            if not larger <= closed:
                return f"{larger - closed}: {size} changes open it, {sizes} are offered"
    return ""


EVERY: tuple[Promise, ...] = (
    list_is_empty_exactly_when_the_gate_is_open,
    list_and_gate_agree_for_every_capability,
    a_stricter_policy_opens_nothing,
    time_alone_opens_nothing,
    nothing_closes_before_the_deadline,
    what_is_offered_opens,
    no_part_of_what_is_offered_opens,
    nothing_smaller_opens,
)


def broken(trial: Trial, promises: tuple[Promise, ...] = EVERY) -> list[str]:
    """What the implementation does not keep for this case."""
    return [f"{promise.__name__}: {fault}" for promise in promises if (fault := promise(trial))]
