"""Every line is JSON, a line about a message says whose, and no line holds a secret or a person.

The journey below goes wherever a log line might be written with a value in it: taken in, refused by the gateway and
by the service, poison, a database that goes away in the middle. A row that it refuses is in `test_control_logs`.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from contracts.message import Header
from contracts.partners import COMMANDS
from contracts.roles import Role
from deploy.local.stack import Stack
from tests.chassis.conftest import ONE_LOOP
from tests.support import Applicant, Bus, ServiceProcess, Tables, command_record, eventually, token
from tests.support.web import NO_TLS

pytestmark = ONE_LOOP
NAME, EMAIL, PHONE = "Canary Zwitschermann", "canary.zwitschermann@nest.example", "+41446681811"
CANARIES = {"a name": NAME, "a mail address": EMAIL, "a phone number": PHONE, "part of it": "Zwitschermann"}
REQUEST_ID, TRACEPARENT = "canary-journey-1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass(frozen=True, slots=True)
class Journey:
    """What was written meanwhile, and what must not be in it."""

    services: tuple[ServiceProcess, ...]
    secrets: dict[str, str]

    @property
    def text(self) -> str:
        return "\n".join(service.log.read_text() for service in self.services)

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        return [line for service in self.services for line in service.lines(event)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def journey(stack: Stack, partners: ServiceProcess, bus: Bus) -> AsyncIterator[Journey]:
    applicant = Applicant(stack, name=NAME, email=EMAIL, phone=PHONE)
    bearer = token(stack, applicant.actor.subject, [Role.PARTNER_ADMIN])
    headers = {"Authorization": f"Bearer {bearer}", "X-Request-Id": REQUEST_ID, "traceparent": TRACEPARENT}
    with ServiceProcess(stack, "gateway", instance=2) as gateway:
        async with httpx.AsyncClient(
            base_url=gateway.url, headers=headers, trust_env=False, verify=NO_TLS, timeout=30
        ) as client:
            await _apply(client, applicant)
            await _apply_while_the_database_goes_away(stack, client, bus)
            await _send_poison(stack, bus)
            await client.get("/api/v1/partners", params={"q": NAME})
        secrets = {
            "the bearer token": bearer,
            "the database password": stack.state.secrets["postgres_partners"],
            "the broker password": stack.state.secrets["kafka_partners"],
            "the store's secret": stack.state.secrets["s3_secret_key"],
            "the signing key": stack.state.secrets["actor_signing_key"],
            "a presigned link": "X-Amz-Signature",
        }
        yield Journey((partners, gateway), secrets)


async def _apply(client: httpx.AsyncClient, applicant: Applicant) -> None:
    """Taken in; in conflict with itself; refused for its phone; refused for its shape."""
    body = (await applicant.prepare_over_http(client)).body
    wrong_phone = {**body, "contacts": [{**body["contacts"][0], "phone": f"{PHONE}{PHONE}"}]}
    wrong_shape = {**body, "contacts": [{**body["contacts"][0], "email": f"{EMAIL} {NAME}", NAME: EMAIL}]}
    statuses = [
        (await client.post("/api/v1/partners", json=sent, headers={"Idempotency-Key": uuid4().hex})).status_code
        for sent in (body, body, wrong_phone, wrong_shape)
    ]
    assert statuses == [201, 409, 422, 422]


async def _apply_while_the_database_goes_away(stack: Stack, client: httpx.AsyncClient, bus: Bus) -> None:
    """Whatever statement is under way, its parameters are persons."""
    applications = [await Applicant(stack, name=NAME, email=EMAIL, phone=PHONE).prepare(bus) for _ in range(3)]
    records = [command_record(stack, one.command, one.actor) for one in applications]
    await bus.send_all(records, partition=0)
    await asyncio.to_thread(stack.stop_part, "postgres")
    answering = asyncio.create_task(client.get("/api/v1/partners", params={"q": NAME}))
    await asyncio.to_thread(stack.start_part, "postgres")
    await answering
    assert [(await bus.answer_to(record)).status for record in records] == [201] * 3


async def _send_poison(stack: Stack, bus: Bus) -> None:
    """Persons in the body, the key and the headers of what nobody can open."""
    application = await Applicant(stack, name=NAME, email=EMAIL, phone=PHONE).prepare(bus)
    good = command_record(stack, application.command, application.actor)
    poisons = [
        replace(good, value=(good.value or b"")[:-1]),
        replace(good, key=EMAIL.encode()),
        good.with_header(Header.TYPE, NAME.encode()),
        good.with_header(Header.ID, EMAIL.encode()),
        good.with_header(Header.VERSION, PHONE.encode()),
        good.with_header(Header.ASSERTION, NAME.encode()),
    ]
    offsets = await bus.send_all(poisons, partition=0)
    tables = Tables(stack, "partners")
    await eventually(lambda: tables.letters_at(COMMANDS, 0, offsets[-1]), "the last poison is buried")


async def test_every_line_is_json_and_says_who_wrote_it_and_when(journey: Journey) -> None:
    lines = journey.lines()

    assert len(lines) > 20
    assert {line["service"] for line in lines} == {"partners", "gateway"}
    assert all({"event", "level", "timestamp", "service", "instance"} <= line.keys() for line in lines)


async def test_a_request_is_followed_by_its_id_and_trace_through_both_processes(journey: Journey) -> None:
    gateway = [line for line in journey.lines("http.answered") if line["request_id"] == REQUEST_ID]
    service = [line for line in journey.lines("command.answered") if line["request_id"] == REQUEST_ID]

    assert gateway
    assert service
    assert {line["traceparent"] for line in gateway + service} == {TRACEPARENT}
    assert {line["command_id"] for line in service} <= {line.get("command_id") for line in gateway}


async def test_a_line_about_a_message_carries_request_command_and_trace(journey: Journey) -> None:
    about = [line for line in journey.lines() if line["event"].startswith(("command.", "query."))]
    opened = [line for line in about if not line["event"].endswith(".malformed")]
    closed = [line for line in about if line["event"].endswith(".malformed")]

    assert all(line["request_id"] and line["command_id"] and line["traceparent"] for line in opened), opened
    assert all(line["topic"] and isinstance(line["offset"], int) for line in closed), closed


@pytest.mark.parametrize("canary", CANARIES)
async def test_no_line_holds_a_person(journey: Journey, canary: str) -> None:
    assert not [line for line in journey.text.splitlines() if CANARIES[canary] in line]


async def test_no_line_holds_a_secret(journey: Journey) -> None:
    assert not {name for name, secret in journey.secrets.items() if secret in journey.text}
