"""Negative controls: a fold that does not hear one kind of event, or hears it a moment early, is found."""

import random

import pytest

from services.audit.as_of import membership, partner, place, roster, stories
from tests.audit.as_of.comparing import differences, record_lives
from tests.audit.as_of.test_histories import lives_of
from tests.audit.ledger import Ledger

pytestmark = pytest.mark.asyncio

FOLDS = {
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
    lives = lives_of(dice, 60)
    await record_lives(ledger, lives, dice)
    unnoticed = set()

    for name, tells in FOLDS.items():
        for kind in tells:
            with monkeypatch.context() as patched:
                patched.setitem(tells, kind, lambda *_: None)
                if not await _is_found(ledger, lives, kind):
                    unnoticed.add((name, kind))

    assert unnoticed == UNHEARD_ALONE
