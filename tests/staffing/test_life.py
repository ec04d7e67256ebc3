"""P1-P6, S2.12, S2.30-41: whatever anybody does in whatever order, memberships and branches keep their promises."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from deploy.local.stack import Stack
from services.staffing import membership
from services.staffing.staff import Staff
from tests.staffing.life import StaffLife, World

QUIET: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module")
def world(stack: Stack) -> Iterator[World]:
    world = World(stack)
    StaffLife.world = world
    yield world
    world.close()


@pytest.mark.usefixtures("world")
def test_a_staffs_life_is_what_the_model_foretells() -> None:
    run_state_machine_as_test(StaffLife, settings=settings(max_examples=20, stateful_step_count=20, **QUIET))


@pytest.mark.faults
@pytest.mark.usefixtures("world")
def test_two_thousand_lives_are_what_the_model_foretells() -> None:
    run_state_machine_as_test(StaffLife, settings=settings(max_examples=2000, stateful_step_count=20, **QUIET))


def keeps_branches(self: Staff, *_: Any) -> list[Any]:
    return []


CONTROLS: dict[str, Any] = {
    "branches that outlive the membership": patch.object(Staff, "remove", keeps_branches),
    "a last owner who may go": patch.object(membership, "_is_last_owner", lambda *_: False),
}


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.usefixtures("world")
def test_a_broken_life_is_noticed(control: str) -> None:
    """Negative controls: with one promise taken out, the same machine fails."""
    once = settings(max_examples=200, stateful_step_count=20, phases=[Phase.generate], **QUIET)

    with CONTROLS[control], pytest.raises(AssertionError):
        run_state_machine_as_test(StaffLife, settings=once)
