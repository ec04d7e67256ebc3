"""Secrets planted everywhere in a request to every route: each header, place in the path, parameter and field."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

import httpx

from services.gateway.routing import Route
from tests.staffing.probes import Probe, whole
from tests.system.walk import IDS, NOBODYS, ROUTES

HEADERS = (
    "Cookie",
    "Proxy-Authorization",
    "X-Api-Key",
    "User-Agent",
    "Referer",
    "Origin",
    "X-Forwarded-For",
    "Forwarded",
    "Traceparent",
    "Tracestate",
    "Baggage",
    "Accept-Language",
    "If-Match",
    "If-None-Match",
    "Idempotency-Key",
)


@dataclass(frozen=True, slots=True)
class Planting:
    """All canaries of a run hold its `mark`, so one search finds any of them."""

    mark: str = field(default_factory=lambda: f"canary{uuid4().hex}")
    numbers: Iterator[int] = field(default_factory=count)

    def secret(self) -> str:
        return f"{self.mark}x{next(self.numbers)}"

    def requests(self, bearer: str) -> Iterator[httpx.Request]:
        """`bearer` is of somebody who may do nothing, so nothing of it is meant to be kept."""
        for route in ROUTES:
            yield self._token(route)
            yield self._path(route, bearer)
            yield self._query(route, bearer)
            yield from self._headers(route, bearer)
            yield from self._fields(route, bearer)

    def _token(self, route: Route) -> httpx.Request:
        """Where the credentials belong, and where people put them by mistake."""
        return _request(_probe(route), f"Bearer {self.secret()}", query={"access_token": self.secret()})

    def _path(self, route: Route, bearer: str) -> httpx.Request:
        url = route.path.format(**{name: self.secret() for name in route.path_fields}) + f"/{self.secret()}"
        return _request(_probe(route), bearer, url=url)

    def _query(self, route: Route, bearer: str) -> httpx.Request:
        named = {*_probe(route).rest, *route.query, "password"} if route.method == "GET" else {*route.query, "password"}
        return _request(_probe(route), bearer, query={name: self.secret() for name in named})

    def _headers(self, route: Route, bearer: str) -> Iterator[httpx.Request]:
        """A request id of any shape but an id's is none; the method is a word of the caller's too."""
        odd = {"X-Request-Id": f"<{self.secret()}>", **{name: self.secret() for name in HEADERS}}
        yield _request(_probe(route), bearer, headers=odd)
        yield _request(_probe(route), bearer, headers={"Idempotency-Key": self.secret(), "User-Agent": self.secret()})

    def _fields(self, route: Route, bearer: str) -> Iterator[httpx.Request]:
        """Each field alone, so that what is whole but for it goes on to its owner; and one that nobody knows."""
        probe = _probe(route)
        for name in (*probe.rest, "api_key"):
            fields = {**probe.rest, name: self.secret()}
            if route.method == "GET":
                yield _request(probe, bearer, query={key: value for key, value in fields.items() if value is not None})
            else:
                yield _request(probe, bearer, content=json.dumps(fields).encode())
        if route.method != "GET":
            yield _request(probe, bearer, content=f'{{"password": "{self.secret()}'.encode())


def _probe(route: Route) -> Probe:
    return whole(route, dict.fromkeys(IDS, str(NOBODYS)), '"1"')


def _request(probe: Probe, bearer: str, *, url: str = "", **changed: Any) -> httpx.Request:
    """As the probe has it, but for what is changed."""
    given = {name: value for name, value in probe.rest.items() if value is not None}
    is_get = probe.route.method == "GET"
    return httpx.Request(
        probe.route.method,
        f"http://gateway{url or probe.url}",
        params=changed.get("query", given if is_get else {}),
        headers={**probe.headers, "Authorization": bearer, **changed.get("headers", {})},
        content=changed.get("content", b"" if is_get else json.dumps(probe.rest).encode()),
    )
