"""JSON-RPC 2.0 for one named call a request: no batches, no notifications, parameters by name."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError

from deploy.local.web import Strict

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL = -32700, -32600, -32601, -32602, -32603

Answer = dict[str, Any]
Params = dict[str, Any]
Method = Callable[[Params], Awaitable[Answer]]


class RpcError(Exception):
    """What a method raises to answer with an error of this code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message

    def answer(self, call_id: str | int | None) -> Answer:
        return {"jsonrpc": "2.0", "id": call_id, "error": {"code": self.code, "message": self.message}}


class Call(Strict):
    jsonrpc: Literal["2.0"]
    id: str | int
    method: str
    params: Params | list[Any] = Field(default_factory=dict)

    def named(self) -> Params:
        """The parameters, by name."""
        if isinstance(self.params, list):
            raise RpcError(INVALID_PARAMS, "Invalid params: they are given by name")
        return self.params


def read(body: bytes) -> Call:
    """The call in a request's body; raises RpcError if there is none."""
    try:
        document = json.loads(body)
    except ValueError as error:
        raise RpcError(PARSE_ERROR, "Parse error") from error
    try:
        return Call.model_validate(document)
    except ValidationError as error:
        raise RpcError(INVALID_REQUEST, "Invalid Request") from error


async def run(call: Call, methods: Mapping[str, Method]) -> Answer:
    """The call's answer, whatever its method raises."""
    try:
        result = await methods.get(call.method, _unknown)(call.named())
    except ValidationError:
        return RpcError(INVALID_PARAMS, "Invalid params").answer(call.id)
    except RpcError as error:
        return error.answer(call.id)
    return {"jsonrpc": "2.0", "id": call.id, "result": result}


async def _unknown(_: Params) -> Answer:
    raise RpcError(METHOD_NOT_FOUND, "Method not found")
