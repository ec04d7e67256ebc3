"""No secrets ever: whatever a caller puts wherever, of a refused call nothing is in an event, a log or a topic."""

import asyncio
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from contracts.roles import Role
from contracts.topics import EVENT_TOPICS, REPLIES
from deploy.local.stack import Stack
from tests.support import ServiceProcess, Tables, eventually, together, token
from tests.support.export_cases import an_export
from tests.support.web import NO_TLS
from tests.support.wire import reader, until_now
from tests.system.canaries import Planting
from tests.system.walk import ROUTES

AT_ONCE = 8
Services = dict[str, ServiceProcess]


@pytest.fixture(scope="module")
def services(stack: Stack) -> Iterator[Services]:
    generous = {"GATEHOUSE_FAILED_TOKENS_PER_SECOND": "0", "GATEHOUSE_REFUSALS_PER_SECOND": "1000"}
    services = {name: ServiceProcess(stack, name) for name in ("partners", "staffing", "audit")}
    services["gateway"] = ServiceProcess(stack, "gateway", env=generous)
    with together(*services.values()):
        yield services


async def everywhere(stack: Stack, services: Services) -> dict[str, bytes]:
    """All that is kept of requests: what services log and tell, what the log holds, what lies beside."""
    places = {f"the log of {name}": service.log.read_bytes() for name, service in services.items()}
    for principal, topics in (("downstream", EVENT_TOPICS), ("gateway", (REPLIES.name,))):
        async with reader(stack, principal, *topics) as consumer:
            for record in await until_now(consumer):
                kept = b"\n".join([record.key or b"", record.value or b"", repr(record.headers).encode()])
                places[record.topic] = places.get(record.topic, b"") + kept
    places["the audit log"] = b"\n".join(
        row["raw"] for row in Tables(stack, "audit").rows("SELECT raw FROM events WHERE raw IS NOT NULL")
    )
    for owner in ("partners", "staffing", "audit"):
        rows = Tables(stack, owner).rows("SELECT value FROM outbox")
        letters = Tables(stack, owner).rows("SELECT * FROM dead_letters")
        places[f"the outbox of {owner}"] = b"\n".join(row["value"] for row in rows)
        places[f"the dead letters of {owner}"] = repr(letters).encode()
    return places


async def test_no_secret_planted_anywhere_in_any_request_is_kept(stack: Stack, services: Services) -> None:
    planting, seen = Planting(), f"seen-{uuid4().hex}"
    requests = list(planting.requests(f"Bearer {token(stack, f'eve-{uuid4().hex}')}"))
    gate, base = asyncio.Semaphore(AT_ONCE), httpx.URL(services["gateway"].url)

    async with httpx.AsyncClient(trust_env=False, verify=NO_TLS, timeout=30) as http:

        async def send(request: httpx.Request) -> int:
            async with gate:
                request.url = request.url.copy_with(host=base.host, port=base.port)
                return (await http.send(request)).status_code

        statuses = await asyncio.gather(*map(send, requests))
        odd_method = f"{planting.secret()}".upper()
        await http.request(odd_method, f"{base}/api/v1/partners")
        await http.get(f"{base}/api/v1/partners", headers={"X-Request-Id": seen})
    tables = Tables(stack, "audit")
    told = "SELECT count(*) FROM events WHERE request_id = %s"
    await eventually(lambda: tables.value(told, seen), "the last of them is in the log")

    places = await everywhere(stack, services)
    marks = (planting.mark.encode(), planting.mark.upper().encode())
    assert len(requests) > 8 * len(ROUTES)
    assert sum(status >= 400 for status in statuses) > 0.9 * len(statuses)
    assert {where for where, text in places.items() if any(mark in text for mark in marks)} == set()
    control = {where for where, text in places.items() if seen.encode() in text}
    assert control >= {"the log of gateway", "gateway.refused", "the audit log"}, "the scan sees what is there"


async def test_a_link_to_a_file_is_kept_nowhere_but_in_the_answer(stack: Stack, services: Services) -> None:
    files = {"partners": "approvals", "staffing": "roles", "audit": "events"}
    bearer, seen, signatures = token(stack, "anna", [Role.AUDITOR]), f"seen-{uuid4().hex}", []
    headers = {"Authorization": f"Bearer {bearer}", "X-Request-Id": seen}
    async with httpx.AsyncClient(base_url=services["gateway"].url, trust_env=False, timeout=30) as http:
        for owner, dataset in files.items():
            export_id = an_export(Tables(stack, owner), dataset, "READY", made=True, due=False, days_left=1)
            shown = await http.get(f"/api/v1/exports/{export_id}", headers=headers)
            sent = await http.get(f"/api/v1/exports/{export_id}/file", headers=headers)
            signatures += [_signature(shown.json()["link"]), _signature(sent.headers["Location"])]
    told = "SELECT count(*) FROM events WHERE request_id = %s"
    await eventually(lambda: Tables(stack, "audit").value(told, seen) == len(signatures), "all are in the log")

    places = await everywhere(stack, services)
    found = {where for where, text in places.items() if any(signature in text for signature in signatures)}
    assert found == {REPLIES.name}, "the answer itself is the control"
    assert {f"{owner}.export_link_given" for owner in files} <= {
        w for w, text in places.items() if seen.encode() in text
    }


def _signature(link: str) -> bytes:
    return parse_qs(urlsplit(link).query)["X-Amz-Signature"][0].encode()
