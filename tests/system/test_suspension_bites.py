"""S1.38: a rejection bites at once, although clients hammer, consumers lag, and nobody reads the events.

The gate is a row, not a copy of an event: whoever creates an invoice holds the partner's lock. So the bound from the
rejection's answer to the first denial is no message's way, and it is printed.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import uuid4

import httpx
import pytest

from contracts.roles import Role
from deploy.local.stack import Stack
from tests.support import Bus, ServiceProcess, Tables, eventually, token
from tests.support.minting import NOTES, RECIPIENT, Client
from tests.support.web import NO_TLS

CLIENTS = 8
PATIENT = {"GATEHOUSE_REPLY_SECONDS": "60"}
"""Every call hears its own answer, however long the consumers lag."""


class Heard(NamedTuple):
    """One invoice asked for: when, when answered, with what."""

    asked: float
    answered: float
    status: int
    code: str


@pytest.fixture(scope="module")
def partners(stack: Stack) -> Iterator[ServiceProcess]:
    with ServiceProcess(stack, "partners") as process:
        yield process


@pytest.fixture(scope="module")
def gateway(stack: Stack, partners: ServiceProcess) -> Iterator[ServiceProcess]:
    with ServiceProcess(stack, "gateway", env=PATIENT) as process:
        yield process


@asynccontextmanager
async def hammering(gateway: ServiceProcess, bearer: str) -> AsyncIterator[list[Heard]]:
    """Eight clients that ask for one invoice after the other until the block ends."""
    heard: list[Heard] = []
    going = True

    async def hammer(client: httpx.AsyncClient) -> None:
        while going:
            body = {"amount": "10.00", "currency": "USD", "recipient": RECIPIENT, "reference": uuid4().hex}
            headers = {"Authorization": f"Bearer {bearer}", "Idempotency-Key": uuid4().hex}
            asked = time.monotonic()
            answer = await client.post("/api/v1/invoices", json=body, headers=headers)
            heard.append(Heard(asked, time.monotonic(), answer.status_code, answer.json().get("code", "")))

    async with httpx.AsyncClient(base_url=gateway.url, timeout=90, trust_env=False, verify=NO_TLS) as client:
        clients = [asyncio.create_task(hammer(client)) for _ in range(CLIENTS)]
        try:
            yield heard
        finally:
            going = False
            await asyncio.gather(*clients)


def after(heard: list[Heard], moment: float) -> list[Heard]:
    """What was asked for later than that."""
    return [each for each in heard if each.asked > moment]


@pytest.mark.parametrize("lag", [2.0, pytest.param(30.0, marks=pytest.mark.faults)])
async def test_no_invoice_is_created_after_the_rejections_answer(
    lag: float, stack: Stack, partners: ServiceProcess, gateway: ServiceProcess
) -> None:
    async with Bus.of(stack) as bus:
        client = await Client.approved(bus)
    bearer = token(stack, client.contact.subject, [Role.PARTNER_ADMIN])
    root = {"Authorization": f"Bearer {token(stack, 'root-admin-1', [Role.ROOT_ADMIN])}"}
    decision = {"notes": NOTES, "dossier_version": 1}

    async with (
        hammering(gateway, bearer) as heard,
        httpx.AsyncClient(timeout=90, trust_env=False, verify=NO_TLS) as desk,
    ):
        await eventually(lambda: sum(h.status == 201 for h in heard) >= CLIENTS * 3, "invoices are being created")
        partners.signal(signal.SIGSTOP)
        behind = time.monotonic()
        rejection = asyncio.create_task(
            desk.post(
                f"{gateway.url}/api/v1/partners/{client.partner_id}/reject",
                json=decision,
                headers=root | {"Idempotency-Key": uuid4().hex, "If-Match": '"2"'},
            )
        )
        await eventually(lambda: time.monotonic() - behind >= lag, "the consumers lag", lag + 10)
        partners.signal(signal.SIGCONT)
        answer = await rejection
        rejected_at = time.monotonic()
        await eventually(lambda: len(after(heard, rejected_at)) >= CLIENTS * 5, "everybody asks again")

    assert (answer.status_code, answer.json()["state"]) == (200, "SUSPENDED")
    assert [h for h in heard if h.answered > rejected_at and h.status == 201] == []
    assert {(h.status, h.code) for h in after(heard, rejected_at)} == {(403, "PARTNER_NOT_APPROVED")}
    tables = Tables(stack, "partners")
    decided = "SELECT max(decided_at) FROM partner_approvals WHERE partner_id = %s"
    late = "SELECT count(*) FROM invoices WHERE partner_id = %s AND created_at > %s"
    assert tables.value(late, client.partner_id, tables.value(decided, client.partner_id)) == 0
    bound = min(h.answered for h in after(heard, rejected_at)) - rejected_at
    print(f"\nfrom the rejection's answer to the first denial: {bound * 1000:.1f} ms, with {lag:.0f} s of lag")  # noqa: T201
