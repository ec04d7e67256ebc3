"""A call that was turned down, as the envelope of an event tells it: nothing of what the caller wrote is kept.

What is told is ours (a code, a status, the route's template, a method that HTTP knows), was checked (the caller, the
address, a UUID from the path), or is an identifier by its shape (`X-Request-Id`, `traceparent`).
"""

from collections.abc import Iterator
from http import HTTPMethod
from typing import NamedTuple
from uuid import UUID

from starlette.requests import Request
from uuid_utils.compat import uuid7

from contracts.failures import FAILURES, Code
from contracts.message import Actor, Context, Target
from services.gateway.peer import ANYBODY, address_of

_OF_THE_API = ("/api/", "/ops/")
_ID = "_id"
_OTHER = "OTHER"


class RefusedCall(NamedTuple):
    """`route` is empty where no route of the API was called."""

    actor: Actor
    targets: tuple[Target, ...]
    context: Context
    code: Code
    method: str
    route: str

    @property
    def status(self) -> int:
        return FAILURES[self.code].status

    @property
    def is_known(self) -> bool:
        """Whether somebody was recognised before the call was turned down."""
        return self.actor != ANYBODY

    @classmethod
    def of(cls, request: Request, code: Code) -> "RefusedCall":
        state = request.state
        command = getattr(state, "command_id", None) or uuid7()
        context = Context(
            request_id=state.request_id,
            command_id=command,
            ip=address_of(request),
            traceparent=state.traceparent,
        )
        caller = getattr(state, "caller", None)
        method = request.method if request.method in HTTPMethod.__members__ else _OTHER
        return cls(
            caller.actor if caller else ANYBODY, tuple(_named(request)), context, code, method, _template(request)
        )


def _template(request: Request) -> str:
    path = getattr(request.scope.get("route"), "path", "")
    return path if path.startswith(_OF_THE_API) else ""


def _named(request: Request) -> Iterator[Target]:
    for name, value in request.path_params.items():
        if name.endswith(_ID):
            try:
                yield Target(type=name.removesuffix(_ID), id=str(UUID(value)))
            except ValueError:
                continue
