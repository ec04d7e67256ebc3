"""How long the call takes says nothing of the phone (S2.7): new or known, an observer could as well toss a coin.

Calls for both kinds take turns, so whatever else the machine does falls on both alike. What is compared is the chance
that a new phone takes longer than a known one: a half means that nothing can be told. A leak planted on purpose shows.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from contracts.staffing import COMMANDS
from services.chassis import Desk, Write
from services.staffing.book import Book
from tests.staffing.office import Office, Shop, new_phone, provision

TELLING = 0.15
"""How far from a half it must be to tell anything; with 100 pairs chance alone gets there once in 4,000 runs."""

ROUNDS = 3


async def _rounds_that_tell(office: Office, desk: Desk, pairs: int) -> list[float]:
    """The chances of the rounds up to the first that tells nothing."""
    chances: list[float] = []
    while len(chances) < ROUNDS:
        chance = await chance_that_new_is_slower(office, await office.open_shop(), desk, pairs)
        if abs(chance - 0.5) < TELLING:
            break
        chances.append(chance)
    return chances


async def chance_that_new_is_slower(office: Office, shop: Shop, desk: Desk, pairs: int) -> float:
    elsewhere = await office.open_shop()
    known_phones = [new_phone() for _ in range(pairs)]
    await office.tell_all(*((provision(elsewhere, phone=phone), elsewhere.owner) for phone in known_phones))
    new: list[float] = []
    known: list[float] = []
    for number, phone in enumerate(known_phones):
        turns = [(known, phone), (new, new_phone())]
        for taken, who in turns if number % 2 else reversed(turns):
            taken.append(await office.seconds_for(provision(shop, phone=who, notify="sms"), shop.owner, desk))
    assert office.tables.value("SELECT count(*) FROM memberships WHERE tenant_id = %s", shop.tenant_id) == 1 + 2 * pairs
    return _share(new, known)


def _share(new: Sequence[float], known: Sequence[float]) -> float:
    return sum(one > other for one in new for other in known) / (len(new) * len(known))


@pytest.mark.parametrize("pairs", [100, pytest.param(500, marks=pytest.mark.faults)])
async def test_the_call_takes_as_long_for_a_known_phone_as_for_a_new_one(office: Office, pairs: int) -> None:
    chances = await _rounds_that_tell(office, office.desks[COMMANDS], pairs)

    assert len(chances) < ROUNDS, f"a new phone takes longer in {chances} of all comparisons"


async def test_a_leak_would_be_seen(office: Office) -> None:
    """The control: a service that does a little more for a new phone."""
    desk = office.desks[COMMANDS]

    async def leaking(tx: Write, book: Any) -> None:
        assert isinstance(book, Book)
        if book.new(book.accounts.values()):
            await tx.exec_driver_sql("SELECT pg_sleep(0.06)")
        await desk.save(tx, book)

    leaky = Desk(desk.handlers, desk.load, leaking, desk.refusal, desk.gather)

    chances = await _rounds_that_tell(office, leaky, 20)

    assert len(chances) == ROUNDS
    assert min(chances) > 0.5 + TELLING
