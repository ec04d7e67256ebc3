"""Says every few seconds whether the token could sign, to the table that sign-and-submit asks and to /readyz."""

import asyncio
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis.patience import wait_out
from services.partners.mint.keeper import TokenKeeper
from services.partners.mint.signers import tell
from services.partners.mint.token import TokenError

SECONDS = 3.0


class Heartbeat:
    def __init__(self, engine: AsyncEngine, token: TokenKeeper, instance: int) -> None:
        self._engine, self._token, self._instance = engine, token, instance
        self._problem: str | None = "not looked at yet"

    async def problem(self) -> str | None:
        """As seen last."""
        return self._problem

    async def run(self) -> None:
        while True:
            await self.beat()
            await asyncio.sleep(SECONDS)

    async def beat(self) -> None:
        try:
            await self._token.check()
            self._problem = None
        except TokenError as error:
            self._problem = str(error)
        await wait_out(partial(tell, self._engine, self._instance, self._token.kind, self._problem))
