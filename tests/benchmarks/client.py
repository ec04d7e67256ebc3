"""The cheapest HTTP client that is still one: prebuilt bytes out, httptools in, no task or future a request.

A load generator that takes much of the machine's CPU measures itself; this one costs about 40 µs a request.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import httptools

LOST = 0
"""The status of a request whose connection went away before it was answered."""

Answered = Callable[["Connection", int, bytes], None]


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request in flight; `answered` is called with status and body."""

    def __init__(self, answered: Answered) -> None:
        self._answered = answered
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._waiting = False
        self._transport: asyncio.Transport | None = None

    @property
    def is_open(self) -> bool:
        """False once the server has closed it, as it may whenever nothing is in flight."""
        return self._transport is not None

    def send(self, request: bytes) -> None:
        if self._transport is None:
            self._answered(self, LOST, b"")
            return
        self._waiting = True
        self._transport.write(request)

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        if self._waiting:
            self._waiting = False
            self._answered(self, LOST, b"")

    def on_body(self, chunk: bytes) -> None:
        self._body += chunk

    def on_message_complete(self) -> None:
        body, self._waiting = bytes(self._body), False
        self._body.clear()
        self._answered(self, self._parser.get_status_code(), body)


async def connect(port: int, count: int, answered: Answered) -> list[Connection]:
    """`count` connections to a port of this machine."""
    loop = asyncio.get_running_loop()
    made: list[tuple[Any, Connection]] = await asyncio.gather(
        *(loop.create_connection(lambda: Connection(answered), "127.0.0.1", port) for _ in range(count))
    )
    return [connection for _, connection in made]


def post(path: str, headers: dict[str, str], body: bytes, method: str = "POST") -> bytes:
    """The exact bytes of one request. The host is the same for every system, so one set of bytes serves them all."""
    lines = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body
