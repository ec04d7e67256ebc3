"""One case for each command handler there is: what to prepare, what to send, how often it took effect.

The crash and delivery tests run every case; `test_every_handler_has_a_case` fails when a handler has none.
"""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import services
from contracts.message import Actor, Command
from tests.support.bus import Bus
from tests.support.tables import Tables


@dataclass(frozen=True, slots=True)
class Prepared:
    """A command ready to be sent; `effects` counts in the tables how often it took effect."""

    command: Command
    actor: Actor
    effects: Callable[[Tables], int]
    events: tuple[str, ...]
    """The topics it speaks on, in the order it writes them."""


Prepare = Callable[[Bus], Awaitable[Prepared]]
CASES: dict[type[Command], Prepare] = {}


def case(command: type[Command]) -> Callable[[Prepare], Prepare]:
    """Registers how one command is prepared."""

    def register(prepare: Prepare) -> Prepare:
        CASES[command] = prepare
        return prepare

    return register


def handlers_in_the_code() -> dict[type[Command], str]:
    """Every command that some service's `handlers.HANDLERS` names, and the service."""
    found: dict[type[Command], str] = {}
    for module in pkgutil.iter_modules(services.__path__):
        name = f"services.{module.name}.handlers"
        if importlib.util.find_spec(name):
            table: dict[Any, Any] = importlib.import_module(name).HANDLERS
            found |= dict.fromkeys(table, module.name)
    return found
