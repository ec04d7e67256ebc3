"""202 is a promise: the broker has the command. What it refused in the very moment of the answer is 503."""

import asyncio
import time
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.errors import KafkaTimeoutError

from contracts.failures import Code
from deploy.local.stack import Stack
from services.gateway.dispatch import Caller, Dispatcher
from services.gateway.problems import Failure
from services.gateway.settings import GatewaySettings
from tests.support import partner_admin
from tests.support.applicants import reservation

REPLY_SECONDS = 0.05


async def outcome(stack: Stack, monkeypatch: pytest.MonkeyPatch, refused: Exception | None) -> Exception:
    """Of asking while the loop is busy, so that the end of waiting and the broker's word come in one turn of it."""
    settings = GatewaySettings(_env_file=str(stack.home.settings("gateway")))  # type: ignore[call-arg]
    dispatcher = Dispatcher(settings.model_copy(update={"reply_seconds": REPLY_SECONDS}))

    async def buffered(*_: Any) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        delivery: asyncio.Future[None] = loop.create_future()
        tell = (delivery.set_result, None) if refused is None else (delivery.set_exception, refused)
        loop.call_later(REPLY_SECONDS, *tell)
        loop.call_soon(time.sleep, 2 * REPLY_SECONDS)  # the busy loop itself
        return delivery

    monkeypatch.setattr(dispatcher, "_buffered", buffered)
    actor = partner_admin(stack)
    caller = Caller(actor, "req-1", None, "")
    try:
        await dispatcher.ask(reservation("kyb", actor.subject), caller, uuid4())
    except (Failure, TimeoutError) as error:
        return error
    finally:
        await dispatcher.stop()
    raise AssertionError("nobody answers here")


async def test_what_the_broker_refused_when_waiting_ended_is_not_promised(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = await outcome(stack, monkeypatch, KafkaTimeoutError())

    assert isinstance(error, Failure)
    assert error.code is Code.DEPENDENCY_UNAVAILABLE


async def test_what_the_broker_took_when_waiting_ended_is_promised(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(await outcome(stack, monkeypatch, None), TimeoutError)
