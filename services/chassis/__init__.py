"""The frame every service is bolted to; it knows no business.

Accepts commands, queries and events as batches of raw Kafka records; emits replies and events. A service gives it
a `Desk` of pure handlers, query handlers and background work, and calls `run(settings, build)`.
"""

from services.chassis.commands import Desk
from services.chassis.database import Read, Write, fetch, fetch_dicts, insert
from services.chassis.envelope import Inbound
from services.chassis.outcome import Aggregate, Call, Decision, Deferred, Fact, Outcome, Refusal, Reply
from services.chassis.service import Service, run
from services.wire.own_commands import OwnCommands
from services.wire.settings import OwnerSettings, load

__all__ = [
    "Aggregate",
    "Call",
    "Decision",
    "Deferred",
    "Desk",
    "Fact",
    "Inbound",
    "Outcome",
    "OwnCommands",
    "OwnerSettings",
    "Read",
    "Refusal",
    "Reply",
    "Service",
    "Write",
    "fetch",
    "fetch_dicts",
    "insert",
    "load",
    "run",
]
