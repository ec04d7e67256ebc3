"""From the event loop: one thread, one call at a time, a deadline for each, and back by itself."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from services.partners.mint.keeper import TokenKeeper
from services.partners.mint.process import Pkcs11Process
from services.partners.mint.token import PinRefused, Token, TokenUnavailable, verify
from tests.partners.mint.benches import PIN, VOUCHER, Bench, Vault, software
from tests.support import eventually

DEADLINE = 1.0
T = TypeVar("T")


class Watched(Token):
    """Passes every call on to a real token; says on which thread, and holds it up while `open` is not set."""

    kind = "watched"

    def __init__(self, inner: Token) -> None:
        self._inner = inner
        self.threads: list[int] = []
        self.signed: list[bytes] = []
        self.closed = 0
        self.at_once = self.most_at_once = 0
        self.open = threading.Event()
        self.open.set()

    def public_key(self) -> EllipticCurvePublicKey:
        return self._pass(self._inner.public_key)

    def sign(self, message: bytes) -> bytes:
        signature = self._pass(lambda: self._inner.sign(message))
        self.signed.append(message)
        return signature

    def check(self) -> None:
        self._pass(self._inner.check)

    def close(self) -> None:
        self.closed += 1
        self._pass(self._inner.close)

    def _pass(self, call: Callable[[], T]) -> T:
        self.threads.append(threading.get_ident())
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.open.wait()
        answer = call()
        self.at_once -= 1
        return answer


class Builder:
    """Builds watched tokens and remembers them."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.built = bench, list[Watched]()

    def __call__(self) -> Token:
        self.built.append(Watched(self.bench.build()))
        return self.built[-1]


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Builder]:
    build = Builder(software(tmp_path))
    yield build
    for token in build.built:
        token.open.set()  # or its thread would hold up the end of the run


async def test_everything_of_a_token_is_done_on_one_thread_one_after_another(bench: Bench) -> None:
    build = Builder(bench)
    keeper = TokenKeeper(build)
    messages = [VOUCHER + str(n).encode() for n in range(40)]

    signatures = await asyncio.gather(*map(keeper.sign, messages))
    await asyncio.gather(keeper.check(), keeper.check())
    key = await keeper.public_key()
    await keeper.close()

    [token] = build.built
    assert all(verify(key, *pair) for pair in zip(messages, signatures, strict=True))
    assert len(set(token.threads)) == 1
    assert token.threads[0] != threading.get_ident()
    assert token.most_at_once == 1
    assert token.closed == 1


async def test_the_kind_is_known_before_the_token_can_be_reached(bench: Bench) -> None:
    bench.take_away()

    keeper = TokenKeeper(bench.build)

    assert keeper.kind == bench.build().kind
    await keeper.close()


async def test_a_token_that_was_away_comes_back_by_itself(bench: Bench) -> None:
    build = Builder(bench)
    keeper = TokenKeeper(build)
    key = await keeper.public_key()

    bench.take_away()
    for call in (keeper.sign(VOUCHER), keeper.check()):
        with pytest.raises(TokenUnavailable):
            await call
    bench.bring_back()

    await keeper.check()
    assert verify(key, VOUCHER, await keeper.sign(VOUCHER))
    assert [token.closed for token in build.built] == [1, 1, 0]
    await keeper.close()


async def test_a_call_that_takes_too_long_is_unavailable_and_the_next_is_not(slow: Builder) -> None:
    keeper = TokenKeeper(slow, DEADLINE)
    [token] = slow.built
    token.open.clear()

    began = time.monotonic()
    with pytest.raises(TokenUnavailable, match="within 1 s"):
        await keeper.sign(VOUCHER)
    assert time.monotonic() - began < 4 * DEADLINE
    token.open.set()

    assert verify(await keeper.public_key(), VOUCHER, await keeper.sign(VOUCHER))
    await keeper.close()


async def test_a_call_whose_turn_came_too_late_is_never_made(slow: Builder) -> None:
    keeper = TokenKeeper(slow, DEADLINE)
    [token] = slow.built
    token.open.clear()
    calls = [keeper.sign(message) for message in (b"in hand", b"waits", b"waits too")]

    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    token.open.set()
    await keeper.check()

    assert [type(outcome) for outcome in outcomes] == [TokenUnavailable] * 3
    assert token.signed == [b"in hand"]
    await keeper.close()


async def test_a_caller_who_gives_up_leaves_nothing_behind(slow: Builder) -> None:
    keeper = TokenKeeper(slow)
    [token] = slow.built
    token.open.clear()
    first = asyncio.create_task(keeper.sign(b"in hand"))
    await eventually(lambda: token.threads, "the first call is made")
    second = asyncio.create_task(keeper.sign(b"waits"))
    await asyncio.sleep(0)

    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    token.open.set()
    await first
    await keeper.check()

    assert token.signed == [b"in hand"]
    await keeper.close()


async def test_a_refused_pin_is_not_tried_again_by_building_the_token_anew(vault: Vault) -> None:
    refused = Bench(lambda: Pkcs11Process(replace(vault.access, pin="1234"), vault.conf), vault.tokens)
    build = Builder(refused)
    keeper = TokenKeeper(build)
    with pytest.raises(PinRefused):
        await keeper.sign(VOUCHER)
    with vault.session() as session:
        session.setPin(PIN, "1234")  # a second try would now succeed

    for call in (keeper.sign(VOUCHER), keeper.check(), keeper.public_key()):
        with pytest.raises(PinRefused):
            await call

    assert len(build.built) == 1
    await TokenKeeper(build).check()
    await keeper.close()


async def test_closing_while_the_token_hangs_does_not_hang(slow: Builder) -> None:
    keeper = TokenKeeper(slow, DEADLINE)
    [token] = slow.built
    token.open.clear()
    signing = asyncio.create_task(keeper.sign(VOUCHER))
    await eventually(lambda: token.threads, "the call is made")

    await keeper.close()

    with pytest.raises(TokenUnavailable):
        await signing
    token.open.set()
