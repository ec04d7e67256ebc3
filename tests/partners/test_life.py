"""S1.1, S1.16, S1.47: whatever anybody does in whatever order, a partner's life keeps its promises."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from contracts.decisions import ReinstatePartner, Verdict
from contracts.partners import PartnerState
from deploy.local.stack import Stack
from services.chassis import Aggregate
from services.partners.book import Book
from services.partners.decisions.verbs import VERBS, Verb
from services.partners.partner import Partner
from tests.partners.life import PartnerLife, World

QUIET: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


@pytest.fixture(scope="module")
def world(stack: Stack) -> Iterator[World]:
    world = World(stack.state.dsn("partners", driver="postgresql+asyncpg"))
    PartnerLife.world = world
    yield world
    world.close()


@pytest.mark.usefixtures("world")
def test_a_partners_life_is_what_the_model_foretells() -> None:
    run_state_machine_as_test(PartnerLife, settings=settings(max_examples=40, stateful_step_count=20, **QUIET))


@pytest.mark.faults
@pytest.mark.usefixtures("world")
def test_two_thousand_lives_are_what_the_model_foretells() -> None:
    run_state_machine_as_test(PartnerLife, settings=settings(max_examples=2000, stateful_step_count=50, **QUIET))


def forgets_decisions(book: Book, *decided: Any) -> None:
    RECORD_DECIDED(book, *decided)
    book.approvals.clear()


def skips_a_version(partner: Partner, *fact: Any) -> Any:
    partner.version += 1
    return Aggregate.record(partner, *fact)


def stands_still(partner: Partner, _: Any) -> Any:
    return partner.updated_at


RECORD_DECIDED = Book.record_decided
LAX = {ReinstatePartner: Verb(dict.fromkeys((PartnerState.SUSPENDED, PartnerState.REJECTED), Verdict.REINSTATED))}
CONTROLS: dict[str, Any] = {
    "approved without a decision": patch.object(Book, "record_decided", forgets_decisions),
    "a gap between versions": patch.object(Partner, "record", skips_a_version, create=True),
    "a clock that stands still": patch.object(Partner, "moved", stands_still),
    "a way from REJECTED to APPROVED": patch.dict(VERBS, LAX),
}


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.usefixtures("world")
def test_a_broken_life_is_noticed(control: str) -> None:
    """Negative controls: with one promise taken out, the same machine fails."""
    once = settings(max_examples=200, stateful_step_count=20, phases=[Phase.generate], **QUIET)

    with CONTROLS[control], pytest.raises(AssertionError):
        run_state_machine_as_test(PartnerLife, settings=once)
