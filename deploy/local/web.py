"""What our fakes share: their settings file, their bearer check, and how they are served on loopback."""

import hmac
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

import uvicorn
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from deploy.local.ports import LOOPBACK

GRACE_SECONDS = 2
"""A fake that was told to be slow may be in the middle of it when the stack goes down."""

Handler = Callable[[Request], Awaitable[Response]]


class FakeSettings(BaseSettings):
    """Read from the file that GATEHOUSE_SETTINGS names."""

    model_config = SettingsConfigDict(env_prefix="GATEHOUSE_", extra="ignore")
    http_port: int


class Strict(BaseModel):
    """A body whose every field is known."""

    model_config = ConfigDict(extra="forbid")


Kind = TypeVar("Kind", bound=FakeSettings)


def load(kind: type[Kind]) -> Kind:
    return kind(_env_file=os.environ["GATEHOUSE_SETTINGS"])  # type: ignore[call-arg]


def has_bearer(request: Request, secret: str) -> bool:
    """True if the request carries exactly this bearer token; compared in constant time."""
    return same(request.headers.get("authorization", ""), f"Bearer {secret}")


def same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def guarded(token: str, handler: Handler) -> Handler:
    """The handler behind the token; what it refuses as malformed is told without echoing it."""

    async def endpoint(request: Request) -> Response:
        if not has_bearer(request, token):
            return JSONResponse({"error": "unauthorized"}, 401, {"WWW-Authenticate": "Bearer"})
        try:
            return await handler(request)
        except ValidationError as error:
            details = error.errors(include_input=False, include_context=False)
            return JSONResponse({"error": "invalid", "details": details}, 422)

    return endpoint


async def healthy(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def hang_up(request: Request) -> Response:
    """Close the connection without a byte of an answer; returns once it is closed. Only on a `server`."""
    request.state.sever()
    await request.receive()
    return Response()


class Severable(HttpToolsProtocol):
    """Lets a handler close its own connection, which ASGI has no words for."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["sever"] = self.transport.close


def server(app: Starlette, port: int = 0) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=LOOPBACK,
            port=port,
            http=Severable,
            lifespan="off",
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )


def serve(app: Starlette, port: int) -> None:
    server(app, port).run()
