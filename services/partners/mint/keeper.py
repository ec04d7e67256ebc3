"""The token as the event loop sees it: one thread, one call at a time, each with a deadline.

PKCS#11 modules promise nothing to two threads at once, so everything a token does is done on the same one. A token
that could not be reached is thrown away and built anew by the next call: it comes back by itself. One whose PIN was
refused stays, and stays refused, until the process is started with another PIN.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from services.partners.mint.process import DEADLINE_SECONDS
from services.partners.mint.token import PinRefused, Token, TokenError, TokenUnavailable

T = TypeVar("T")
log = structlog.get_logger()


class TokenKeeper:
    """`build` makes a token without opening it. Every method raises TokenError only."""

    def __init__(self, build: Callable[[], Token], deadline: float = DEADLINE_SECONDS) -> None:
        self._build, self._deadline = build, deadline
        self._token: Token | None = build()
        self.kind = self._token.kind
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="token")

    async def sign(self, message: bytes) -> bytes:
        """The signature over the whole message; nobody gets one that came too late."""
        return await self._within_deadline(lambda token: token.sign(message))

    async def check(self) -> None:
        """Raises when `sign` would; signs nothing."""
        await self._within_deadline(lambda token: token.check())

    async def public_key(self) -> EllipticCurvePublicKey:
        return await self._within_deadline(lambda token: token.public_key())

    async def close(self) -> None:
        """Close the token and end the thread, once the call in hand is over."""
        try:
            await self._within_deadline(lambda token: token.close())
        except TokenError as error:
            log.warning("token.unclosed", kind=self.kind, error=str(error))
        self._thread.shutdown(wait=False)

    async def _within_deadline(self, call: Callable[[Token], T]) -> T:
        """A call that waits its turn when the deadline passes is never made; one in hand ends unheard."""
        try:
            async with asyncio.timeout(self._deadline):
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._call, call)
        except TimeoutError as error:
            raise TokenUnavailable(f"no answer from the token within {self._deadline:g} s") from error

    def _call(self, call: Callable[[Token], T]) -> T:
        token = self._token = self._token or self._build()
        try:
            return call(token)
        except PinRefused:
            raise
        except TokenUnavailable as error:
            log.warning("token.dropped", kind=self.kind, error=str(error))
            self._token = None
            token.close()
            raise
