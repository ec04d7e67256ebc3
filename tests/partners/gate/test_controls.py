"""Negative controls: for each promise a gate that breaks it, which its check must notice."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

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
from tests.partners.gate import promises
from tests.partners.gate.promises import EVERY, Implementation, Promise, Trial
from tests.partners.gate.states import NOON, random_cases


def list_that_forgets_what_closes_mint_alone(facts: Facts, policy: Policy, now: datetime) -> RequirementsView:
    return requirements(facts, replace(policy, strict=False), now)


def gate_that_looks_at_one_document(
    facts: Facts, policy: Policy, capability: Capability, now: datetime
) -> Open | Closed:
    kyb = dict(facts.documents).get("kyb", now)
    return decide(replace(facts, documents=(("kyb", kyb), ("licensing", now))), policy, capability, now)


def gate_that_takes_strict_for_lenient(
    facts: Facts, policy: Policy, capability: Capability, now: datetime
) -> Open | Closed:
    return decide(facts, replace(policy, strict=not policy.strict), capability, now)


def obstacles_that_pass_with_time(facts: Facts, policy: Policy, now: datetime) -> tuple[Obstacle, ...]:
    return obstacles(facts, policy, NOON - (now - NOON))


def gate_that_forgives_with_time(facts: Facts, policy: Policy, capability: Capability, now: datetime) -> Open | Closed:
    return decide(facts, policy, capability, NOON - (now - NOON))


def list_that_promises_another_month(facts: Facts, policy: Policy, now: datetime) -> RequirementsView:
    view = requirements(facts, policy, now)
    later = view.current_deadline and view.current_deadline + timedelta(days=30)
    return view.model_copy(update={"current_deadline": later})


def explanation_without_its_last_change(facts: Facts, policy: Policy, now: datetime) -> dict[Capability, Path]:
    return {capability: path[:-1] for capability, path in openings(facts, policy, now).items()}


def explanation_that_always_wants_a_document(facts: Facts, policy: Policy, now: datetime) -> dict[Capability, Path]:
    after = apply(facts, Change.UPLOAD_KYB, policy, now)
    if after is None:
        return openings(facts, policy, now)
    return {c: ((Change.UPLOAD_KYB, facts), *path) for c, path in openings(after, policy, now).items()}


def explanation_that_decides_last(facts: Facts, policy: Policy, now: datetime) -> dict[Capability, Path]:
    """Files whatever is too old first, which lapses a proposal that a second approver could still have taken up."""
    filed: Path = ()
    for change, kind in ((Change.UPLOAD_KYB, "kyb"), (Change.UPLOAD_LICENSING, "licensing")):
        after = apply(facts, change, policy, now)
        if after and any(f"/{kind}_object_key" == o.field and o.deadline for o in obstacles(facts, policy, now)):
            filed, facts = (*filed, (change, facts)), after
    return {capability: (*filed, *path) for capability, path in openings(facts, policy, now).items()}


CONTROLS: list[tuple[Promise, Implementation]] = [
    (
        promises.list_is_empty_exactly_when_the_gate_is_open,
        Implementation(requirements=list_that_forgets_what_closes_mint_alone),
    ),
    (promises.list_and_gate_agree_for_every_capability, Implementation(decide=gate_that_looks_at_one_document)),
    (promises.a_stricter_policy_opens_nothing, Implementation(decide=gate_that_takes_strict_for_lenient)),
    (promises.time_alone_opens_nothing, Implementation(obstacles=obstacles_that_pass_with_time)),
    (promises.time_alone_opens_nothing, Implementation(decide=gate_that_forgives_with_time)),
    (promises.nothing_closes_before_the_deadline, Implementation(requirements=list_that_promises_another_month)),
    (promises.what_is_offered_opens, Implementation(openings=explanation_without_its_last_change)),
    (promises.no_part_of_what_is_offered_opens, Implementation(openings=explanation_that_always_wants_a_document)),
    (promises.nothing_smaller_opens, Implementation(openings=explanation_that_decides_last)),
]


def test_every_promise_has_a_control() -> None:
    assert {promise for promise, _ in CONTROLS} == set(EVERY)


@pytest.mark.parametrize(("promise", "mutant"), CONTROLS, ids=[promise.__name__ for promise, _ in CONTROLS])
def test_a_gate_that_breaks_its_promise_is_caught(promise: Promise, mutant: Implementation) -> None:
    cases = list(random_cases(seed=6, count=2_000))

    assert any(promise(Trial(mutant, case)) for case in cases)
    assert not any(promise(Trial(Implementation(), case)) for case in cases)
