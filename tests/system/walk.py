"""Every route there is, called in every way that must be refused, and once as somebody who may do much.

Bodies come from the examples of the contracts, so a route that is new is walked without a line here.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from contracts.message import Command
from contracts.operations import GetOperation
from services.gateway.routes import ALL
from services.gateway.routing import Route
from tests.staffing.probes import Probe, whole

OPERATION = Route("GET", "/api/v1/operations/{command_id}", GetOperation, None, 200)
"""It asks all owners, so it stands beside the table."""
ROUTES = (*(route for routes in ALL for route in routes.table), OPERATION)
IDS = ("partner_id", "invoice_id", "tenant_id", "branch_id", "account_id", "page_id", "event_id", "command_id")
NOBODYS = UUID(int=7)


@dataclass(frozen=True, slots=True)
class Step:
    """One call; `way` says who makes it or what is wrong with it."""

    way: str
    route: Route
    url: str
    headers: dict[str, str]
    query: dict[str, Any]
    content: bytes

    @property
    def request_id(self) -> str:
        return self.headers["X-Request-Id"]

    def must_tell(self, status: int) -> bool:
        """What was refused, and what may have changed something."""
        return status >= 400 or issubclass(self.route.message, Command)


def steps(run: str, bearers: dict[str, str]) -> Iterator[Step]:
    """`bearers` holds a token for "a stranger" and for "an insider"."""
    for number, route in enumerate(ROUTES):
        probe = whole(route, dict.fromkeys(IDS, str(NOBODYS)), '"1"')
        for way, bearer in {"without a token": "", "with a bad token": "not.a.token", **bearers}.items():
            yield _step(f"{run}-{number}-{way.replace(' ', '-')}", way, probe, bearer)
        yield _malformed(f"{run}-{number}-malformed", probe, bearers["a stranger"])


def _step(request_id: str, way: str, probe: Probe, bearer: str) -> Step:
    headers = {**probe.headers, "X-Request-Id": request_id}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    if probe.route.method == "GET":
        given = {name: value for name, value in probe.rest.items() if value is not None}
        return Step(way, probe.route, probe.url, headers, given, b"")
    return Step(way, probe.route, probe.url, headers, {}, json.dumps(probe.rest).encode())


def _malformed(request_id: str, probe: Probe, bearer: str) -> Step:
    """A body that is cut off, a path that holds no id, a parameter that nobody knows."""
    headers = {**probe.headers, "X-Request-Id": request_id, "Authorization": f"Bearer {bearer}"}
    if probe.route.method != "GET":
        return Step("malformed", probe.route, probe.url, headers, {}, b'{"cut": ')
    odd = probe.route.path.format(**dict.fromkeys(probe.route.path_fields, f"odd-{uuid4().hex}"))
    return Step("malformed", probe.route, odd, headers, {"nobody_knows_this": "1"}, b"")
