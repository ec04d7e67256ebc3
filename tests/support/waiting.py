"""Waiting for what must come true, and saying what was seen last when it does not."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TypeVar, cast, overload

T = TypeVar("T")


@overload
async def eventually(check: Callable[[], Awaitable[T]], what: str = "", seconds: float = 30.0) -> T: ...
@overload
async def eventually(check: Callable[[], T], what: str = "", seconds: float = 30.0) -> T: ...
async def eventually(check: Callable[[], Awaitable[T] | T], what: str = "", seconds: float = 30.0) -> T:
    """The first truthy answer of `check`, which may be a coroutine function; AssertionError after `seconds`.

    An AssertionError or an OSError raised by `check` counts as "not yet".
    """
    deadline, seen = time.monotonic() + seconds, cast("object", None)
    while True:
        try:
            found = check()
            value = await found if isawaitable(found) else found
            if value:
                return cast("T", value)
            seen = value
        except (AssertionError, OSError) as error:
            seen = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what or check} (last seen: {seen!r})")
        await asyncio.sleep(0.03)


def eventually_true(check: Callable[[], T], what: str = "", seconds: float = 30.0) -> T:
    """`eventually` for tests and fixtures without an event loop."""
    deadline, seen = time.monotonic() + seconds, cast("object", None)
    while True:
        try:
            value = check()
            if value:
                return value
            seen = value
        except (AssertionError, OSError) as error:
            seen = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what or check} (last seen: {seen!r})")
        time.sleep(0.03)
