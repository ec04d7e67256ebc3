"""A gateway alone, its refusals as a subscriber sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from tests.support import ServiceProcess, Tape, eventually

REFUSED, DROPPED = TOPICS = ("gateway.refused", "gateway.refusals_dropped")
APPROVE = "/api/v1/partners/{partner_id}/approve"


@dataclass(frozen=True, slots=True)
class Door:
    """One gateway and the tape of the events that gateways leave."""

    gateway: ServiceProcess
    http: httpx.AsyncClient
    tape: Tape

    async def call(self, method: str, path: str, bearer: str = "", **sent: Any) -> httpx.Response:
        given: Mapping[str, str | None] = {"Idempotency-Key": uuid4().hex, **sent.pop("headers", {})}
        headers = {name: value for name, value in given.items() if value is not None}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        return await self.http.request(method, path, headers=headers, **sent)

    async def event_of(self, answer: httpx.Response) -> dict[str, Any]:
        """The event that this answer left."""
        request_id = answer.headers["x-request-id"]

        def found() -> dict[str, Any] | None:
            return next((told for told in self.told(REFUSED) if told["context"]["request_id"] == request_id), None)

        event = await eventually(found, f"an event of {request_id}: {answer.status_code} {answer.text}", seconds=10)
        assert event is not None
        return event

    def told(self, *types: str) -> list[dict[str, Any]]:
        return [seen.event for seen in self.tape.firsts() if seen.topic in (types or TOPICS)]

    def counted(self) -> int:
        """Refusals that only a summary tells of."""
        return sum(told["data"]["count"] for told in self.told(DROPPED))
