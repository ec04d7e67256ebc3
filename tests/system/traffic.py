"""Traffic through the gateway that goes on through an outage, and notes every answer."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from contracts.roles import Role
from tests.support import Applicant, Application, eventually, token
from tests.support.applicants import reservation
from tests.system.conftest import Site

WRITERS, READERS = 8, 2
UPLOADS, PARTNERS = "/api/v1/uploads", "/api/v1/partners"


@dataclass(frozen=True, slots=True)
class Asked:
    """One call and its answer."""

    path: str
    key: str
    body: dict[str, Any] | None
    answer: httpx.Response

    @property
    def status(self) -> int:
        return self.answer.status_code


@dataclass(slots=True)
class Traffic:
    """Every call so far; `client` bears the token of the one who asks."""

    client: httpx.AsyncClient
    asked: list[Asked] = field(default_factory=list)

    async def call(self, path: str, key: str, body: dict[str, Any] | None = None) -> Asked:
        """POST with an Idempotency-Key, or GET when there is no body."""
        if body is None:
            answer = await self.client.get(path)
        else:
            answer = await self.client.post(path, json=body, headers={"Idempotency-Key": key})
        asked = Asked(path, key, body, answer)
        self.asked.append(asked)
        return asked

    @property
    def statuses(self) -> Counter[int]:
        return Counter(asked.status for asked in self.asked)

    def commands(self, *statuses: int) -> list[Asked]:
        return [asked for asked in self.asked if asked.body is not None and asked.status in statuses]

    async def succeeds_again(self, seconds: float = 40.0) -> None:
        """Wait until ten commands in a row were answered 201."""
        since = len(self.asked)

        def fine() -> bool:
            newest = [asked.status for asked in self.asked[since:] if asked.body is not None][-10:]
            return newest == [201] * 10

        await eventually(fine, "commands are answered 201 again", seconds)


@asynccontextmanager
async def client_of(site: Site, subject: str) -> AsyncIterator[httpx.AsyncClient]:
    bearer = {"Authorization": f"Bearer {token(site.stack, subject, [Role.PARTNER_ADMIN])}"}
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(
        base_url=site.gateway.url, headers=bearer, trust_env=False, timeout=40, limits=limits
    ) as client:
        yield client


@asynccontextmanager
async def traffic(site: Site, subject: str) -> AsyncIterator[Traffic]:
    """Reservations and lists, over and over while the block runs; every call that began is waited for."""
    over = asyncio.Event()
    numbers = count()
    async with client_of(site, subject) as client:
        flow = Traffic(client)

        async def write() -> None:
            while not over.is_set():
                key = f"{subject}-{next(numbers)}"
                body = reservation("kyb", key).model_dump(mode="json", exclude_none=True)
                await flow.call(UPLOADS, key, body)
                await asyncio.sleep(0.02)

        async def read() -> None:
            while not over.is_set():
                await flow.call(f"{PARTNERS}?limit=1", "")
                await asyncio.sleep(0.05)

        workers = [asyncio.create_task(write()) for _ in range(WRITERS)]
        workers += [asyncio.create_task(read()) for _ in range(READERS)]
        try:
            yield flow
        finally:
            over.set()
            await asyncio.gather(*workers)


async def prepared(site: Site, wanted: int) -> list[Application]:
    """Applications whose documents are in the store already, each of another person."""

    async def one() -> Application:
        applicant = Applicant(site.stack)
        async with client_of(site, applicant.actor.subject) as client:
            return await applicant.prepare_over_http(client)

    return list(await asyncio.gather(*(one() for _ in range(wanted))))
