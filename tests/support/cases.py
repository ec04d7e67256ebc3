"""One case for each command handler there is: what to prepare, what to send, how often it took effect.

The crash and delivery tests run every case of `ALL_CASES`; `test_every_handler_has_a_case` fails when one has none.
"""

import importlib
import pkgutil
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

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
    deferred: bool = False
    """Its answer comes from a worker's report, so nobody answers it here."""


_NO_HANDLERS = re.compile(r"\.(gateway|migrations|__main__)(\.|$)")
"""The gateway has no state to change; importing a `__main__` would start its service."""

Prepare = Callable[[Bus], Awaitable[Prepared]]
CASES: dict[type[Command], Prepare] = {}


def case(command: type[Command]) -> Callable[[Prepare], Prepare]:
    """Registers how one command is prepared."""

    def register(prepare: Prepare) -> Prepare:
        CASES[command] = prepare
        return prepare

    return register


def handlers_in_the_code() -> dict[type[Command], str]:
    """Every command that some `HANDLERS` table of some service names, and the service."""
    found: dict[type[Command], str] = {}
    for module in pkgutil.walk_packages(services.__path__, "services."):
        if module.ispkg or _NO_HANDLERS.search(module.name):
            continue
        table = getattr(importlib.import_module(module.name), "HANDLERS", {})
        found |= dict.fromkeys(table, module.name.split(".")[1])
    return found
