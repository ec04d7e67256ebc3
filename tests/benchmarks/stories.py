"""Events as the partners service would publish them, in stories of five, told at once or at a constant rate."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized

import orjson
from confluent_kafka import Producer
from uuid_utils.compat import uuid7

from deploy.local.stack import Stack
from tests.audit.ledger import TOPIC, event

STORY = 5
TICK_SECONDS = 0.02
_FLUSH_SECONDS = 60.0


def tell(stack: Stack, events: int, over_seconds: float = 0.0) -> None:
    """As fast as the broker takes them; returns when it has them all. Their moments are of so long ago until now."""
    teller, began = _Teller(_login(stack)), time.time() - over_seconds
    for nth in range(events):
        teller.tell_one(began + over_seconds * nth / events)
    teller.flush()


class Telling:
    """A process of its own tells `rate` events a second; `told` is how many the broker has acknowledged."""

    def __init__(self, told: "Synchronized[int]") -> None:
        self._told = told

    @property
    def told(self) -> int:
        return self._told.value


@contextmanager
def telling(stack: Stack, rate: int, seconds: float) -> Iterator[Telling]:
    context = multiprocessing.get_context("spawn")
    told: Synchronized[int] = context.Value("q", 0)
    process = context.Process(target=_tell_steadily, args=(_login(stack), rate, seconds, told), daemon=True)
    process.start()
    try:
        yield Telling(told)
        process.join(_FLUSH_SECONDS)
        if process.exitcode != 0:
            raise RuntimeError(f"not every event was told: exit status {process.exitcode}")
    finally:
        process.kill()


def _tell_steadily(login: dict[str, str], rate: int, seconds: float, told: "Synchronized[int]") -> None:
    teller = _Teller(login)
    began, sent = time.perf_counter(), 0
    while sent < rate * seconds:
        due = int(min(seconds, time.perf_counter() - began) * rate)
        for _ in range(due - sent):
            teller.tell_one()
        sent = due
        teller.client.poll(TICK_SECONDS)
        told.value = teller.acknowledged
    teller.flush()
    told.value = teller.acknowledged


class _Teller:
    """librdkafka's producer: the loader must cost little beside what it measures."""

    def __init__(self, login: dict[str, str]) -> None:
        self.client = Producer({**login, "acks": "all", "linger.ms": 20, "queue.buffering.max.messages": 1_000_000})
        self.acknowledged = self._number = 0

    def tell_one(self, moment: float = 0.0) -> None:
        """At this moment, in seconds of the clock; 0 is now."""
        if self._number % STORY == 0:
            self._partner = uuid7()
        document = event(self._number % STORY + 1, self._partner, id=str(uuid7()))
        value, key, told = orjson.dumps(document), self._partner.bytes, int(moment * 1000)
        self.client.produce(TOPIC, value, key, timestamp=told, on_delivery=self._delivered)
        self._number += 1
        if self._number % 1000 == 0:
            self.client.poll(0)

    def flush(self) -> None:
        if self.client.flush(_FLUSH_SECONDS):
            raise TimeoutError("the broker did not take every event")

    def _delivered(self, error: object, _: object) -> None:
        if error:
            raise RuntimeError(str(error))
        self.acknowledged += 1


def _login(stack: Stack) -> dict[str, str]:
    known = stack.state.kafka("partners")
    return {
        "bootstrap.servers": known["bootstrap"],
        "security.protocol": known["security_protocol"],
        "sasl.mechanism": known["sasl_mechanism"],
        "sasl.username": known["username"],
        "sasl.password": known["password"],
    }
