"""How a fake misbehaves from now on, by `PUT /v1/behaviour`; forgotten at a restart."""

from collections.abc import Container
from typing import Generic, Literal, TypeVar

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from deploy.local.web import Strict


class Knobs(Strict):
    """`times` is how many calls the mode holds before it is `ok` again; without it, for ever."""

    mode: str = "ok"
    delay_seconds: float = Field(default=0, ge=0, le=120)
    times: int | None = Field(default=None, ge=1)


class Usual(Knobs):
    """`error` refuses with 503, `slow` answers late, `lying` does what it is asked and then answers 500."""

    mode: Literal["ok", "error", "slow", "lying"] = "ok"


Kind = TypeVar("Kind", bound=Knobs)


class Panel(Generic[Kind]):
    """Where one fake's knobs are turned and read."""

    def __init__(self, knobs: Kind) -> None:
        self._knobs = knobs

    def take(self, modes: Container[str]) -> Kind:
        """How to behave in this one call, which counts only if its kind knows the mode that is set."""
        now = self._knobs
        if now.mode not in modes:
            return now.model_copy(update={"mode": "ok"})
        if now.times is not None:
            left = now.times - 1
            change = {"times": left} if left else {"times": None, "mode": "ok"}
            self._knobs = now.model_copy(update=change)
        return now

    async def turn(self, request: Request) -> Response:
        """The handler of `PUT /v1/behaviour`."""
        self._knobs = type(self._knobs).model_validate_json(await request.body())
        return JSONResponse(self._knobs.model_dump())
