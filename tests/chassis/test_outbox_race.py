"""Promise 2: sixteen writers, three relays killed at random: nothing is lost and nothing overtakes.

The cursor relay and the SKIP LOCKED relay run the same race and must be seen to fail it.
"""

import pytest

from deploy.local.stack import Stack
from tests.chassis.outbox_race import inversions, race

PATIENCE = 3
"""Races that a control may be lucky in."""


async def test_nothing_is_lost_or_inverted_while_relays_are_killed(stack: Stack) -> None:
    result = await race(stack, 2_000, a_second=250, kill=True)

    assert result.kills >= 4
    assert (result.written, result.lost, result.inverted) == (2_000, 0, 0)


@pytest.mark.faults
async def test_nothing_is_lost_or_inverted_in_twenty_thousand_transactions(stack: Stack) -> None:
    result = await race(stack, 20_000, a_second=250, kill=True)

    assert result.kills >= 30
    assert (result.written, result.lost, result.inverted) == (20_000, 0, 0)


async def test_the_cursor_relay_loses(stack: Stack) -> None:
    """Control: an id that commits late is behind the cursor for ever."""
    results = [await race(stack, 1_000, a_second=400, relay="cursor")]
    while not results[-1].lost and len(results) < PATIENCE:
        results.append(await race(stack, 1_000, a_second=400, relay="cursor"))

    assert results[-1].lost > 0


async def test_the_skip_locked_relay_inverts(stack: Stack) -> None:
    """Control: rows that another relay holds are overtaken by their successors."""
    results = [await race(stack, 1_000, a_second=400, relay="skip-locked")]
    while not results[-1].inverted and len(results) < PATIENCE:
        results.append(await race(stack, 1_000, a_second=400, relay="skip-locked"))

    assert {result.lost for result in results} == {0}
    assert results[-1].inverted > 0


def test_a_repeat_is_no_inversion() -> None:
    first, second = ({"id": str(n), "aggregate_id": "a", "aggregate_version": n} for n in (1, 2))

    assert inversions([first, second, first, second]) == 0
    assert inversions([second, first]) == 1
