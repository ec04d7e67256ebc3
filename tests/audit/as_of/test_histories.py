"""A14: at every instant of the past the log answers as things really stood then."""

import random

import pytest

from tests.audit.as_of.comparing import differences, record_lives
from tests.audit.as_of.partner_life import PartnerLife
from tests.audit.as_of.telling import Life
from tests.audit.as_of.tenant_life import TenantLife
from tests.audit.ledger import Ledger

pytestmark = pytest.mark.asyncio
AT_ONCE = 50
"""Lives that go on side by side."""


def lives_of(dice: random.Random, number: int) -> list[Life]:
    return [PartnerLife(dice, steps=14) if n % 2 else TenantLife(dice, steps=20) for n in range(number)]


@pytest.mark.parametrize("number", [40, pytest.param(1000, marks=pytest.mark.faults)])
async def test_every_instant_of_every_history_is_answered_as_it_was(ledger: Ledger, number: int) -> None:
    dice = random.Random(number)  # noqa: S311
    lives = lives_of(dice, number)
    for n in range(0, number, AT_ONCE):
        await record_lives(ledger, lives[n : n + AT_ONCE], dice)

    asked, differ = await differences(ledger, lives)

    assert differ == []
    assert asked > 50 * number
