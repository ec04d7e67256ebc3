"""Brings each checkpoint to the witness and publishes what it co-signed.

The log asks as any log would (C2SP `tlog-witness`): with the proof that the new checkpoint contains the one that the
witness knows. The witness's own word decides from where the proof begins, so one that was away catches up in one step.
What it refuses is an alarm here too: `audit.witness_refused`, and readiness fails until it co-signs again.
"""

import asyncio
from contextlib import suppress
from http import HTTPStatus

import structlog
import urllib3
from aiokafka import AIOKafkaProducer
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.topics import CHECKPOINTS
from services.audit import metrics
from services.audit.consistency import proof_between
from services.audit.note import Verifier
from services.audit.proof_text import GrowthText
from services.audit.witness_address import WitnessAddress
from services.chassis import Read, fetch
from services.chassis.patience import pause

INTERVAL_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 30.0
_NEWEST = "SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1"
_SIZE_TYPE = "text/x.tlog.size"

log = structlog.get_logger()


class WitnessAwayError(Exception):
    """It did not answer, or not in the way of a witness."""


class WitnessRefusedError(Exception):
    """It knows another history of this log."""


class Witnessing:
    """Background work of the service; `wake` it when the log has grown."""

    def __init__(self, engine: AsyncEngine, producer: AIOKafkaProducer, verifier: Verifier, at: WitnessAddress) -> None:
        self._engine, self._producer, self._verifier, self._at = engine, producer, verifier, at
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=2, read=5), retries=False)
        self._grown = asyncio.Event()
        self.cosigned = 0
        self.refused = ""

    def wake(self) -> None:
        self._grown.set()

    async def check(self) -> str | None:
        """For readiness: a witness that is away is no reason to stop, one that says no is."""
        return self.refused or None

    async def run(self) -> None:
        failures = 0
        while True:
            self._grown.clear()
            try:
                await self.submit()
                failures = 0
            except WitnessRefusedError as error:
                failures += 1
                log.critical("audit.witness_refused", error=str(error))
            except Exception as error:
                failures += 1
                log.warning("audit.witness_away", error=repr(error), failures=failures)
            await (pause(failures + 4, longest=INTERVAL_SECONDS) if failures else self._rest())

    async def _rest(self) -> None:
        await asyncio.sleep(INTERVAL_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                await self._grown.wait()

    async def submit(self) -> None:
        """Have the newest checkpoint co-signed; raises WitnessAwayError, WitnessRefusedError, ProofRefusedError."""
        async with self._engine.connect() as connection:
            notes = await fetch(connection, _NEWEST)
        if not notes:
            return
        try:
            note = await self._cosigned_note(notes[0][0])
        except WitnessRefusedError as error:
            self.refused = str(error)
            metrics.WITNESS_REFUSED.set(1)
            raise
        self.refused = ""
        metrics.WITNESS_REFUSED.set(0)
        self.cosigned = self._verifier.checkpoint(note).size
        metrics.COSIGNED.set(self.cosigned)
        key = f"{self._verifier.name} {self._at.key.name}".encode()
        await self._producer.send_and_wait(CHECKPOINTS.name, note.encode(), key=key)

    async def _cosigned_note(self, note: str) -> str:
        size, old = self._verifier.checkpoint(note).size, self.cosigned
        for _ in range(2):
            answer = await self._ask(note, old, size)
            if answer.status == HTTPStatus.OK:
                return self._checked(note + answer.data.decode("utf-8", "replace"))
            if answer.headers.get("content-type") != _SIZE_TYPE or not answer.data.strip().isdigit():
                break
            told = int(answer.data)
            if told > size:
                raise WitnessRefusedError(f"it has co-signed {told} events, the log has only {size}")
            if told == old:
                raise WitnessRefusedError(f"it has co-signed another log of {told} events")
            old = told
        if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise WitnessRefusedError(f"the log of {size} events does not contain the one of {old} that it co-signed")
        raise WitnessAwayError(f"it answered with {answer.status}")

    async def _ask(self, note: str, old: int, size: int) -> urllib3.BaseHTTPResponse:
        proof: list[bytes] = []
        if 0 < old < size:
            async with self._engine.connect() as connection:
                proof = await proof_between(Read(connection), old, self._verifier.checkpoint(note))
        body = GrowthText(min(old, size), proof, note).render().encode()
        try:
            return await asyncio.to_thread(self._pool.request, "POST", f"{self._at.url}/add-checkpoint", body=body)
        except urllib3.exceptions.HTTPError as error:
            raise WitnessAwayError(type(error).__name__) from error

    def _checked(self, note: str) -> str:
        """Raises NoteRefusedError unless the witness's own key co-signed it."""
        self._at.key.moment(note)
        return note
