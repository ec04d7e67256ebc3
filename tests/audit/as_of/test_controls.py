"""Negative controls: a fold that does not hear one kind of event is found, and so is an instant that is missed."""

import random
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import pytest

from services.audit.as_of import membership, partner, place, roster, stories
from tests.audit.as_of.comparing import answered, differences, record_lives
from tests.audit.as_of.telling import Life
from tests.audit.as_of.test_histories import lives_of
from tests.audit.ledger import Ledger

pytestmark = pytest.mark.asyncio

FOLDS: dict[str, dict[str, Any]] = {
    "partner": partner.TELLS,
    "roster": roster.TELLS,
    "membership": membership.TELLS,
    "branch": place.BRANCH_TELLS,
    "tenant": place.TENANT_TELLS,
}
UNHEARD_ALONE = {("partner", "partner.suspended"), ("tenant", "tenant.created")}
"""Told beside another event that says the same: `partner.rejected`, and the tenant's name is not asked for."""


async def test_a_fold_that_ignores_one_event_type_is_found(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(17)  # noqa: S311
    lives = lives_of(dice, 30)
    await record_lives(ledger, lives, dice)
    unnoticed = set()

    for name, tells in FOLDS.items():
        for kind in tells:
            with monkeypatch.context() as patched:
                patched.setitem(tells, kind, lambda *_: None)
                if not await _is_found(ledger, lives, kind):
                    unnoticed.add((name, kind))

    assert unnoticed == UNHEARD_ALONE


SLIPS = {
    "an event of the very instant is left out": ("<=", "<"),
    "the log of today is shown": ("created_at <= $1", "true"),
}


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS)
async def test_an_instant_that_is_slightly_wrong_is_found(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, slip: tuple[str, str]
) -> None:
    dice = random.Random(18)  # noqa: S311
    lives = lives_of(dice, 2)
    await record_lives(ledger, lives, dice)
    right, wrong = slip
    assert right in stories.REACHED
    monkeypatch.setattr(stories, "REACHED", stories.REACHED.replace(right, wrong))

    _, differ = await differences(ledger, lives)

    assert differ


async def _is_found(ledger: Ledger, lives: Sequence[Life], kind: str) -> bool:
    """By a wrong answer, or by none: what is told later makes no sense without it."""
    concerned = [life for life in lives if any(told.topic == kind for told in life.told)]
    assert concerned, f"{kind} happens in no life"
    try:
        async with aclosing(answered(ledger, concerned)) as answers:
            async for wrong in answers:
                if wrong:
                    return True
            return False
    except (LookupError, ValueError):
        return True
