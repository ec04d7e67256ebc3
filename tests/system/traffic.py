"""Traffic through the gateway that goes on through an outage, and notes every answer."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

import httpx

from contracts.roles import Role
from services.gateway.dispatch import Caller, command_id
from tests.support import Applicant, Application, eventually, person, root_admin, token
from tests.support.applicants import reservation
from tests.support.web import NO_TLS
from tests.system.conftest import Site

UPLOADS, PARTNERS, TENANTS = "/api/v1/uploads", "/api/v1/partners", "/api/v1/tenants"
UPLOADERS, LANDLORDS, READERS = 6, 2, 2


@dataclass(frozen=True, slots=True)
class Asked:
    """One call and its answer."""

    subject: str
    path: str
    key: str
    body: dict[str, Any] | None
    answer: httpx.Response

    @property
    def status(self) -> int:
        return self.answer.status_code


@dataclass(slots=True)
class Traffic:
    """Every call so far."""

    site: Site
    client: httpx.AsyncClient
    asked: list[Asked] = field(default_factory=list)
    applying: asyncio.Event = field(default_factory=asyncio.Event)
    """The applications wait for this, so that they meet the outage."""
    _tokens: dict[str, str] = field(default_factory=dict)

    async def call(self, subject: str, path: str, key: str, body: dict[str, Any] | None = None) -> Asked:
        """POST with an Idempotency-Key, or GET when there is no body."""
        headers = self.bearer(subject)
        if body is None:
            answer = await self.client.get(path, headers=headers)
        else:
            answer = await self.client.post(path, json=body, headers={**headers, "Idempotency-Key": key})
        asked = Asked(subject, path, key, body, answer)
        self.asked.append(asked)
        return asked

    def bearer(self, subject: str) -> dict[str, str]:
        """Everybody is a partner admin; root admins are told by their subject."""
        if subject not in self._tokens:
            root = subject == root_admin(self.site.stack).subject
            role = Role.ROOT_ADMIN if root else Role.PARTNER_ADMIN
            self._tokens[subject] = token(self.site.stack, subject, [role])
        return {"Authorization": f"Bearer {self._tokens[subject]}"}

    def command_of(self, asked: Asked) -> UUID:
        """The command that the gateway made of a call."""
        return command_id(Caller(person(self.site.stack, asked.subject), "", None, ""), "POST", asked.path, asked.key)

    @property
    def statuses(self) -> Counter[int]:
        return Counter(asked.status for asked in self.asked)

    def commands(self, *statuses: int) -> list[Asked]:
        return [asked for asked in self.asked if asked.body is not None and asked.status in statuses]

    async def succeeds_again(self, seconds: float = 60.0) -> None:
        """Wait until the newest ten commands were all answered 201, on every path."""
        since = len(self.asked)

        def fine() -> bool:
            newest = [asked for asked in self.asked[since:] if asked.body is not None][-10:]
            return [asked.status for asked in newest] == [201] * 10 and {UPLOADS, TENANTS} <= {a.path for a in newest}

        await eventually(fine, "commands are answered 201 again", seconds)


@asynccontextmanager
async def quiet_client(site: Site) -> AsyncIterator[Traffic]:
    """Calls one makes by hand."""
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(
        base_url=site.gateway.url, trust_env=False, verify=NO_TLS, timeout=40, limits=limits
    ) as client:
        yield Traffic(site, client)


@asynccontextmanager
async def traffic(site: Site, name: str, applications: Sequence[Application] = ()) -> AsyncIterator[Traffic]:
    """Uploads, tenants, lists and applications while the block runs; every call that began is waited for."""
    over = asyncio.Event()
    numbers = count()
    async with quiet_client(site) as flow:
        await flow.call(name, f"{PARTNERS}?limit=1", "")
        root = root_admin(site.stack).subject

        async def upload() -> None:
            key = f"{name}-{next(numbers)}"
            await flow.call(name, UPLOADS, key, reservation("kyb", key).model_dump(mode="json", exclude_none=True))

        async def open_tenant() -> None:
            number = next(numbers)
            owner = {"phone": f"+49151{hash((name, number)) % 10**8:08}", "display_name": "Sokha Owner"}
            body = {"name": f"{name} {number}", "region": "DE", "owner": owner}
            await flow.call(root, TENANTS, f"{name}-{number}", body)

        async def read() -> None:
            await flow.call(name, f"{PARTNERS}?limit=1", "")

        async def again_and_again(work: Callable[[], Awaitable[None]]) -> None:
            while not over.is_set():
                await work()
                await asyncio.sleep(0.03)

        workers = [upload] * UPLOADERS + [open_tenant] * LANDLORDS + [read] * READERS
        running = [asyncio.create_task(again_and_again(work)) for work in workers]
        running += [asyncio.create_task(_apply(flow, application)) for application in applications]
        try:
            yield flow
        finally:
            over.set()
            flow.applying.set()
            await asyncio.gather(*running)


async def _apply(flow: Traffic, application: Application) -> None:
    """As a careful client would: the same body under the same key until it is acknowledged."""
    subject = application.actor.subject
    await flow.applying.wait()
    while (await flow.call(subject, PARTNERS, subject, application.body)).status not in (201, 202):
        await asyncio.sleep(0.3)


async def prepared(site: Site, wanted: int) -> list[Application]:
    """Applications whose documents are in the store already, each of another person."""

    async def one() -> Application:
        applicant = Applicant(site.stack)
        async with quiet_client(site) as flow:
            flow.client.headers.update(flow.bearer(applicant.actor.subject))
            return await applicant.prepare_over_http(flow.client)

    return list(await asyncio.gather(*(one() for _ in range(wanted))))
