"""Every request gets an id and a trace, and leaves one log line; plain ASGI, since it runs on every call."""

import re
import secrets
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:\-]{1,64}")
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

log = structlog.get_logger()


def _given(pattern: re.Pattern[str], value: str | None) -> str | None:
    return value if value and pattern.fullmatch(value) else None


class Tracing:
    """Sets `request.state.request_id` and `.traceparent` (W3C); answers carry X-Request-Id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _given(_REQUEST_ID, headers.get("x-request-id")) or str(uuid7())
        trace = _given(_TRACEPARENT, headers.get("traceparent"))
        traceparent = trace or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
        scope.setdefault("state", {}).update(request_id=request_id, traceparent=traceparent)
        started, status = time.perf_counter(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            route = getattr(scope.get("route"), "path", None)
            took = round((time.perf_counter() - started) * 1000, 1)
            log.info(
                "http.answered",
                method=scope["method"],
                route=route,
                status=status,
                ms=took,
                request_id=request_id,
                command_id=str(scope["state"].get("command_id") or "") or None,
                traceparent=traceparent,
            )
