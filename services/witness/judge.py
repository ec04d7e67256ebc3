"""What the witness says to a checkpoint (C2SP `tlog-witness`, add-checkpoint).

Invariant: whatever it co-signs contains everything that it co-signed before. Two notes by the log's key that can't both
be true are kept as evidence, and the alarm stays until a person takes it away. What may also be a mistake of whoever
asked (a proof that leads nowhere, an old note) is an alarm until the log shows that it grew honestly.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus

import structlog

from services.audit.cosignature import Cosigner
from services.audit.merkle import verify_consistency
from services.audit.note import Checkpoint, NoteRefusedError, Verifier, parse_checkpoint, signature_of, split_note
from services.audit.proof_text import GrowthText, NotAProofError
from services.wire import crash
from services.witness import metrics
from services.witness.store import Store

log = structlog.get_logger()


class Point(StrEnum):
    """Where the process may be killed."""

    BEFORE_KEPT = "before_kept"
    BEFORE_ANSWERED = "before_answered"


class Alarm(StrEnum):
    FORKED = "forked"
    SHRUNKEN = "shrunken"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An HTTP status and its text: signature lines, or the size that was co-signed last, or why not."""

    status: HTTPStatus
    text: str
    is_size: bool = False


@dataclass(slots=True)
class Judge:
    """One log's judge. Not for several threads: one verdict after the other."""

    log_key: Verifier
    cosigner: Cosigner
    store: Store
    clock: Callable[[], float] = time.time
    suspicion: Alarm | None = field(default=None, init=False)

    @property
    def alarms(self) -> list[str]:
        """What a person must look at."""
        return [*self.store.accusations, *([self.suspicion] if self.suspicion else [])]

    def newest(self) -> Checkpoint | None:
        note = self.store.newest()
        return self.log_key.checkpoint(note) if note else None

    def judge(self, request: str) -> Verdict:
        """Whatever the request is, an answer; never an exception for a bad one."""
        try:
            asked = GrowthText.parse(request)
            origin = parse_checkpoint(split_note(asked.checkpoint)[0]).origin
        except (NotAProofError, NoteRefusedError) as error:
            return Verdict(HTTPStatus.BAD_REQUEST, str(error))
        if origin != self.log_key.name:
            return Verdict(HTTPStatus.NOT_FOUND, "this log is not known here")
        try:
            signed = self.log_key.checkpoint(asked.checkpoint)
        except NoteRefusedError as error:
            return Verdict(HTTPStatus.FORBIDDEN, str(error))
        return self._weigh(asked, signed)

    def _weigh(self, asked: GrowthText, signed: Checkpoint) -> Verdict:
        if asked.old > signed.size:
            return Verdict(HTTPStatus.BAD_REQUEST, "the old size is above the checkpoint's")
        known = self.newest()
        size = known.size if known else 0
        if known and signed.size == size and signed.root != known.root:
            self._fork(asked.checkpoint, signed)
            return Verdict(HTTPStatus.CONFLICT, f"{size}\n", is_size=True)
        if asked.old != size:
            if signed.size < size:
                self._suspect(Alarm.SHRUNKEN, signed, size)
            return Verdict(HTTPStatus.CONFLICT, f"{size}\n", is_size=True)
        if not _grew(known, signed, asked):
            self._suspect(Alarm.UNPROVEN, signed, size)
            return Verdict(HTTPStatus.UNPROCESSABLE_ENTITY, "the proof does not lead from the log I know to this one")
        return self._cosign(asked.checkpoint, signed)

    def _cosign(self, note: str, signed: Checkpoint) -> Verdict:
        """Remember first, then let the signature go: a signature that is out there is always remembered."""
        line = self.cosigner.cosign(self.log_key.open(note), int(self.clock()))
        crash.reach(Point.BEFORE_KEPT)
        self.store.keep(self._by_the_log(note) + line)
        crash.reach(Point.BEFORE_ANSWERED)
        self.suspicion = None
        metrics.SIZE.set(signed.size)
        log.info("witness.cosigned", size=signed.size)
        return Verdict(HTTPStatus.OK, line)

    def _by_the_log(self, note: str) -> str:
        """The note without lines by others: anybody may have put one there, even in our name."""
        text, lines = split_note(note)
        return f"{text}\n" + "".join(f"{line}\n" for line in lines if signature_of(line)[0] == self.log_key.name)

    def _fork(self, note: str, signed: Checkpoint) -> None:
        known = self.store.newest() or ""
        self.store.accuse(f"{Alarm.FORKED}-{signed.size}-{signed.root.hex()[:16]}", f"{known}\n{note}")
        self._tell(Alarm.FORKED, signed, signed.size)

    def _suspect(self, alarm: Alarm, signed: Checkpoint, known: int) -> None:
        self.suspicion = alarm
        self._tell(alarm, signed, known)

    def _tell(self, alarm: Alarm, signed: Checkpoint, known: int) -> None:
        metrics.ALARMS.labels(alarm).inc()
        log.critical("witness.alarm", alarm=alarm, size=signed.size, root=signed.root.hex(), cosigned=known)


def _grew(known: Checkpoint | None, signed: Checkpoint, asked: GrowthText) -> bool:
    if known is None or known.size == 0:
        return not asked.proof
    return verify_consistency(known.size, signed.size, asked.proof, known.root, signed.root)
