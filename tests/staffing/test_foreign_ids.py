"""Every id of tenant B is 404 in tenant A: no route tells it from an id that nobody has, none changes anything of B."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import httpx
import pytest

from contracts.access import CheckAccess, ChooseContext
from contracts.message import Actor
from deploy.local.stack import Stack
from services.gateway.routing import Route
from services.staffing.credentials.session import Tokens
from services.staffing.save import row_of
from tests.staffing.furnished import tenant_tables
from tests.staffing.office import Office, Shop
from tests.staffing.probes import AREA, Pointer, Probe, id_fields, ids_in, name_of, neighbour, places, put, whole
from tests.staffing.probes import without_ids as plain
from tests.support import ServiceProcess, together
from tests.support.web import NO_TLS

AT_ONCE = 8
ILL_FORMED = {400, 401, 404, 412, 422, 428}


@dataclass(frozen=True, slots=True)
class House:
    """A tenant, somebody on its staff, and its ids by the names of the fields that hold such ones."""

    shop: Shop
    clerk: Actor
    etag: str
    membership: str

    @property
    def ids(self) -> dict[str, str]:
        tenant, branch, account = str(self.shop.tenant_id), str(self.shop.branches[0]), self.clerk.subject
        return {
            "tenant_id": tenant,
            "branch_id": branch,
            "branch_ids": branch,
            "account_id": account,
            "membership_id": self.membership,
            "starting_after": account,
        }


async def house(office: Office) -> House:
    shop = await office.open_shop()
    hired = await office.hire(shop)
    clerk = Actor(type=shop.owner.type, issuer=shop.owner.issuer, subject=hired.body["account_id"])
    return House(shop, clerk, str(hired.etag), hired.body["membership"]["id"])


def bearer(office: Office, account_id: str) -> Mapping[str, str]:
    """Somebody who has logged in."""
    settings = office.settings
    tokens = Tokens(settings.staff_issuer, settings.staff_audience, settings.staff_signing_key.get_secret_value())
    now = datetime.now(UTC)
    session = tokens.open(UUID(account_id), now)
    _, view = tokens.issue(session, now)
    row = row_of(session)
    with office.tables.connection() as admin:
        columns = ", ".join(row)
        admin.execute(
            f"INSERT INTO sessions ({columns}) VALUES ({', '.join(['%s'] * len(row))})",
            tuple(row.values()),
        )
    return {"Authorization": f"Bearer {view.access_token}"}


def belongings(office: Office, house: House) -> str:
    """Every row of a tenant, its people and their sessions, as text."""
    found = []
    with office.tables.connection() as admin:
        for table in tenant_tables(office):
            statement = f"SELECT to_jsonb(t)::text AS row FROM {table.name} t WHERE {table.column} = %s ORDER BY 1"
            found += admin.execute(statement, (house.shop.tenant_id,)).fetchall()
        people = [house.shop.owner.subject, house.clerk.subject]
        for statement in (
            "SELECT * FROM accounts WHERE id = ANY(%s)",
            "SELECT * FROM sessions WHERE account_id = ANY(%s)",
        ):
            found += admin.execute(statement, (people,)).fetchall()
    return str(found)


@pytest.fixture(scope="module")
def gateway(stack: Stack) -> Iterator[str]:
    with together(ServiceProcess(stack, "gateway"), ServiceProcess(stack, "staffing")) as (gateway, _):
        yield gateway.url


@pytest.fixture
async def http(gateway: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=gateway, trust_env=False, verify=NO_TLS, timeout=30) as client:
        yield client


async def send(http: httpx.AsyncClient, probe: Probe, who: Mapping[str, str]) -> httpx.Response:
    headers = {**probe.headers, **who}
    if probe.route.method == "GET":
        given = {name: value for name, value in probe.rest.items() if value is not None}
        return await http.get(probe.url, params=given, headers=headers)
    return await http.request(probe.route.method, probe.url, content=json.dumps(probe.rest), headers=headers)


def test_every_place_of_every_route_is_probed() -> None:
    ids = dict.fromkeys(("tenant_id", "branch_id", "branch_ids", "account_id", "starting_after"), str(UUID(int=7)))

    for route in AREA:
        probed = {name_of(place) for place in places(whole(route, ids, '"1"'))}
        assert probed == id_fields(route.message.model_json_schema()), f"{route.method} {route.path}"
        assert probed >= {name for name in route.path_fields if name.endswith("_id")}
    assert len(AREA) >= 12


async def test_a_probe_is_a_good_request_but_for_the_foreign_id(office: Office, http: httpx.AsyncClient) -> None:
    """The control: with ids of one tenant alone no route answers as it does to foreign ones."""
    for route in AREA:
        ours = await house(office)
        if not list(places(whole(route, ours.ids, ours.etag))):
            continue

        answer = await send(http, whole(route, _own(route, ours), ours.etag), bearer(office, ours.shop.owner.subject))

        assert answer.status_code not in ILL_FORMED, (route.method, route.path, answer.text)
        if not route.message.roles:
            assert answer.status_code < 300 or answer.status_code in {403, 409}, (route.path, answer.text)


def _own(route: Route, ours: House) -> dict[str, str]:
    """A cursor of branches is a branch."""
    ids = ours.ids
    return {**ids, "starting_after": ids["branch_id"]} if route.path.endswith("/branches") else ids


@pytest.mark.parametrize("who", ["owner", "admin"])
async def test_an_id_of_another_tenant_is_like_one_that_nobody_has(
    office: Office, http: httpx.AsyncClient, who: str
) -> None:
    ours, theirs = await house(office), await house(office)
    admin = await office.hired(ours.shop, role_key="ADMIN")
    caller = bearer(office, ours.shop.owner.subject if who == "owner" else admin.subject)
    pairs = [pair for route in AREA for pair in _pairs(route, ours, theirs)]
    before, gate = belongings(office, theirs), asyncio.Semaphore(AT_ONCE)

    async def fault(pair: Pair) -> str | None:
        async with gate:
            known, unknown = [await send(http, probe, caller) for probe in (pair.known, pair.unknown)]
        shown = f"{pair.known.route.method} {pair.known.url} {pair.place}: {known.status_code} {known.text[:200]}"
        if (known.status_code, plain(known.text)) != (unknown.status_code, plain(unknown.text)):
            return f"{shown} is not {unknown.status_code} {unknown.text[:200]}"
        if ids_in(known.text) & {*theirs.ids.values(), theirs.shop.owner.subject} - ids_in(str(pair.known.fields)):
            return f"{shown} tells more of them"
        return None if hides(pair, known, who) else f"{shown} is no refusal"

    faults = await asyncio.gather(*map(fault, pairs))

    assert [found for found in faults if found] == []
    assert len(pairs) >= 4 * len(AREA)
    assert belongings(office, theirs) == before


class Pair(NamedTuple):
    """A request with ids of another tenant, and the same with ids that nobody has; `place` is None where all are."""

    known: Probe
    unknown: Probe
    place: Pointer | None


def _pairs(route: Route, ours: House, theirs: House) -> Iterator[Pair]:
    """Each kind of id of theirs at each place among ours, and theirs at all places at once."""
    probe = whole(route, _own(route, ours), ours.etag)
    for place in places(probe):
        for name in ("tenant_id", "branch_id", "account_id", "membership_id"):
            identifier = theirs.ids[name]
            yield Pair(put(probe, place, identifier), put(probe, place, neighbour(identifier)), place)
    ids = _own(route, theirs)
    nobodys = {name: neighbour(identifier) for name, identifier in ids.items()}
    if list(places(probe)):
        yield Pair(whole(route, ids, theirs.etag), whole(route, nobodys, theirs.etag), None)


def hides(pair: Pair, answer: httpx.Response, who: str) -> bool:
    """Whether an answer refuses as it must; questions about access decide DENY, and a filter may match nothing."""
    route, place = pair.known.route, pair.place
    body, name = answer.json(), "tenant_id" if place is None else name_of(place)
    if route.message.roles:
        refused = str(body.get("code")) == "ROLE_REQUIRED"
    elif who == "admin" and name != "tenant_id" and body.get("code") == "PERMISSION_DENIED":
        refused = True
    elif route.message is CheckAccess:
        refused = answer.status_code == 404 or body.get("decision") == "DENY"
    elif route.message is ChooseContext:
        refused = answer.status_code in {403, 404}
    elif name in route.path_fields:
        refused = answer.status_code == 404
    elif route.method == "GET":
        refused = "data" in body or str(body.get("code")) == "CURSOR_INVALID"
    else:
        refused = "BRANCH_NOT_FOUND" in answer.text and answer.status_code in {200, 422}
    return refused
