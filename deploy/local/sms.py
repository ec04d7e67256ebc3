"""A fake SMS provider that behaves like a real one, well or badly.

It speaks HTTP with a bearer token; the same `Idempotency-Key` never makes a second message. Tests turn it bad:
`error` refuses with 503, `slow` answers late, `lying` takes the message and then answers 500, as providers do.
"""

import asyncio
from pathlib import Path
from typing import Literal

from pydantic import Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.local.sms_box import Box
from deploy.local.web import FakeSettings, Strict, guarded, healthy, load, serve


class SmsSettings(FakeSettings):
    """Where messages are kept and which token opens the API."""

    sms_token: str
    sms_database: Path


class Message(Strict):
    to: str = Field(pattern=r"^\+[1-9][0-9]{6,14}$")
    body: str = Field(min_length=1, max_length=1600)


class Behaviour(Strict):
    """How the provider answers from now on; forgotten at a restart."""

    mode: Literal["ok", "error", "slow", "lying"] = "ok"
    delay_seconds: float = Field(default=0, ge=0, le=120)


class Provider:
    """The handlers; all of them behind the token, except the health check."""

    def __init__(self, settings: SmsSettings) -> None:
        self._box = Box(settings.sms_database)
        self._token = settings.sms_token
        self._behaviour = Behaviour()

    def routes(self) -> list[Route]:
        return [
            Route("/healthz", healthy),
            Route("/v1/messages", guarded(self._token, self._send), methods=["POST"]),
            Route("/v1/messages", guarded(self._token, self._list), methods=["GET"]),
            Route("/v1/behaviour", guarded(self._token, self._behave), methods=["PUT"]),
        ]

    async def _send(self, request: Request) -> Response:
        key = request.headers.get("idempotency-key")
        if not key:
            return JSONResponse({"error": "idempotency-key-required"}, 400)
        message = Message.model_validate_json(await request.body())
        behaviour = self._behaviour
        if behaviour.mode == "error":
            return JSONResponse({"error": "unavailable"}, 503, {"Retry-After": "1"})
        if behaviour.mode == "slow":
            await asyncio.sleep(behaviour.delay_seconds)
        kept = self._box.keep(key, message.to, message.body)
        if kept is None:
            return JSONResponse({"error": "idempotency-key-reused"}, 409)
        if behaviour.mode == "lying":
            return JSONResponse({"error": "internal"}, 500)
        message_id, is_new = kept
        return JSONResponse({"id": message_id, "status": "accepted"}, 201 if is_new else 200)

    async def _list(self, request: Request) -> Response:
        return JSONResponse({"data": self._box.to(request.query_params.get("to", ""))})

    async def _behave(self, request: Request) -> Response:
        self._behaviour = Behaviour.model_validate_json(await request.body())
        return JSONResponse(self._behaviour.model_dump())


def build(settings: SmsSettings) -> Starlette:
    return Starlette(routes=Provider(settings).routes())


def main() -> None:
    settings = load(SmsSettings)
    serve(build(settings), settings.http_port)


if __name__ == "__main__":
    main()
