"""Whether a phone is known does not show in the time an answer takes (P9).

Asked in turns, so that a slow moment of the machine hits both alike, and compared by medians. The controls do what a
careless service would: they prove that these measurements would have seen it.
"""

import time
from collections.abc import Awaitable, Callable
from statistics import median

import pytest

from contracts.credentials import RequestActivation
from services.staffing.credentials.passwords import Passwords
from tests.staffing.office import ANYBODY, GOOD_PASSWORD, Office, Shop, new_phone

ROUNDS = 15
SAME = 0.35
"""Medians may differ by a third of what the service took. One verification left out is more than half."""

Call = Callable[[str], Awaitable[float]]
"""Asks for a phone and says how long the service took."""


async def difference(known: str, call: Call) -> float:
    """How much longer the call takes for the known phone than for a stranger, as a part of the whole."""
    took: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(-2, ROUNDS):
        for is_known in (turn % 2 == 0, turn % 2 != 0):
            phone = known if is_known else new_phone()
            spent = await call(phone)
            if turn >= 0:
                took[is_known].append(spent)
    with_account, without = median(took[True]), median(took[False])
    return (with_account - without) / max(with_account, without)


@pytest.fixture
async def known(office: Office, shop: Shop) -> str:
    await office.activate(shop.owner_phone)
    return shop.owner_phone


async def test_a_wrong_login_takes_as_long_for_a_stranger(office: Office, known: str) -> None:
    async def wrong_login(phone: str) -> float:
        await office.log_in(phone, "not the password")
        return office.took

    assert abs(await difference(known, wrong_login)) < SAME


async def test_control_a_login_that_verifies_only_known_phones_is_seen(
    office: Office, known: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    careful = Passwords.matches

    async def careless(self: Passwords, stored: str | None, password: str) -> bool:
        return stored is not None and await careful(self, stored, password)

    monkeypatch.setattr(Passwords, "matches", careless)

    async def wrong_login(phone: str) -> float:
        await office.log_in(phone, "not the password")
        return office.took

    assert await difference(known, wrong_login) > SAME


async def test_asking_for_a_code_takes_as_long_for_a_stranger(office: Office, known: str) -> None:
    async def ask(phone: str) -> float:
        await office.tell(RequestActivation(phone=phone), ANYBODY)
        return office.took

    assert abs(await difference(known, ask)) < SAME


async def test_control_a_code_that_is_hashed_before_the_answer_is_seen(office: Office, known: str) -> None:
    """What a service would do that keeps a slow hash of each code it really sends."""
    passwords = Passwords()

    async def ask(phone: str) -> float:
        start = time.perf_counter()
        if phone == known:
            await passwords.hash(GOOD_PASSWORD)
        hashed = time.perf_counter() - start
        await office.tell(RequestActivation(phone=phone), ANYBODY)
        return office.took + hashed

    assert await difference(known, ask) > SAME
    passwords.close()
