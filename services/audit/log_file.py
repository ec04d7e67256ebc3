"""The log as a file: written as a stream, verified with public keys alone, in the memory of one batch.

JSON, a line each:

    {"format": "gatehouse-log/2", "origin": …}
    {"ahead": <position>, "raw": "<base64>"}             for each event that stubs depend on (`file_stubs`)
    {"raw": "<base64 of an event's exact bytes>"}        for each event, in the order of the log
    {"stub": […], "leaf": "<hex>", "by": <position>}     in the place of an event that was purged
    {"checkpoint": "<signed note>", "leaves": "<base64 of the leaf hashes since the one before>"}

The leaf hashes repeat what the events say; where an event was altered, taken out or put in, they name it. Version 1 is
the same without stubs, and is still read.

Invariant: the file ends with a checkpoint, so that a cut at any byte is noticed; a cut between two checkpoints leaves a
smaller log that was signed once, which only a newer checkpoint from elsewhere, such as the witness's, shows to be cut.
"""

import base64
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import orjson

from services.audit.cosignature import WitnessKey
from services.audit.file_stubs import Ahead, FileStubs, StubEntry, StubRefusedError, entry_of, told
from services.audit.merkle import HASH_BYTES, CompactRange, leaf_hash
from services.audit.note import Checkpoint, NoteRefusedError, Verifier, decode, parse_checkpoint, split_note

FORMAT = "gatehouse-log/2"
FORMATS = ("gatehouse-log/1", FORMAT)


@dataclass(frozen=True, slots=True)
class Seal:
    """The signed note that covers all events before it, and the leaf hashes of those since the seal before."""

    note: str
    leaves: bytes


Entry = bytes | StubEntry | Seal | Ahead
"""An event's exact bytes, what stays of one, what closes a stretch of them, or what is told before all of them."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """`proven` events are what was signed; `position` is the first bad one, `checkpoint` the size it was found by."""

    size: int
    proven: int
    root: str
    checkpoints: int
    cosigned: int | None = None
    position: int | None = None
    checkpoint: int | None = None
    problem: str | None = None

    @property
    def ok(self) -> bool:
        return self.problem is None


async def write(origin: str, entries: AsyncIterator[Entry]) -> AsyncIterator[bytes]:
    """The lines of the file."""
    yield orjson.dumps({"format": FORMAT, "origin": origin}) + b"\n"
    async for entry in entries:
        yield orjson.dumps(_told(entry)) + b"\n"


def _told(entry: Entry) -> dict[str, Any]:
    match entry:
        case Seal(note, leaves):
            return {"checkpoint": note, "leaves": base64.b64encode(leaves).decode()}
        case StubEntry():
            return told(entry)
        case Ahead(position, raw):
            return {"ahead": position, "raw": base64.b64encode(raw).decode()}
        case raw:
            return {"raw": base64.b64encode(raw).decode()}


class Bad(Exception):
    """The first thing in the file that does not fit; `checkpoint` is the size of the checkpoint that tells it."""

    def __init__(self, position: int, problem: str, checkpoint: int | None = None) -> None:
        super().__init__(problem)
        self.position, self.problem, self.checkpoint = position, problem, checkpoint


class FileCheck:
    """Reads a file once, from front to back."""

    def __init__(self, log: Verifier, witness: WitnessKey | None = None, published: Iterable[str] = ()) -> None:
        """`published` are notes from elsewhere, such as the witness's newest; raises NoteRefusedError for a false one.

        With a `witness`, one of them, or one in the file, must be co-signed by it.
        """
        self._log, self._witness = log, witness
        self._tree = CompactRange()
        self._leaves: list[bytes] = []
        self._stubs = FileStubs()
        self._outside: dict[int, Checkpoint] = {}
        self._checkpoints = 0
        self._cosigned: int | None = None
        for note in published:
            checkpoint = log.checkpoint(note)
            other = self._outside.setdefault(checkpoint.size, checkpoint)
            if other != checkpoint:
                raise NoteRefusedError(f"two checkpoints of {checkpoint.size} events: the log was forked")
            self._look_for_cosignature(note, checkpoint)

    @property
    def _size(self) -> int:
        return self._tree.size + len(self._leaves)

    def read(self, lines: Iterable[bytes]) -> FileReport:
        try:
            self._read(lines)
        except Bad as bad:
            return self._report(bad)
        except StubRefusedError as error:
            return self._report(Bad(error.position, error.problem))
        return self._report(None)

    def _read(self, lines: Iterable[bytes]) -> None:
        documents = self._documents(lines)
        head = next(documents, None)
        if head not in [{"format": name, "origin": self._log.name} for name in FORMATS]:
            raise Bad(0, f"not a file of the log {self._log.name} in the format {FORMAT}")
        has_begun = False
        for document in documents:
            match document:
                case {"ahead": int(position), "raw": str(encoded), **rest} if not (rest or has_begun):
                    self._stubs.tell(position, self._decoded(encoded))
                    continue
            if not has_begun:
                self._stubs.begin()
                has_begun = True
            self._take(document)
        self._finish()

    def _take(self, document: Any) -> None:
        match document:
            case {"raw": str(encoded), **rest} if not rest:
                self._event(encoded)
            case {"stub": list(stub), "leaf": str(leaf), "by": by, **rest} if not rest:
                self._stub(stub, leaf, by)
            case {"checkpoint": str(note), "leaves": str(leaves), **rest} if not rest:
                self._seal(note, leaves)
            case _:
                raise Bad(self._size, "a line is neither an event nor a checkpoint")

    def _documents(self, lines: Iterable[bytes]) -> Iterator[Any]:
        for line in lines:
            try:
                document = orjson.loads(line)
            except ValueError as error:
                raise Bad(self._size, "a line is not JSON") from error
            if orjson.dumps(document) + b"\n" != line:
                raise Bad(self._size, "a line is not written the one way there is to write it")
            yield document

    def _event(self, encoded: str) -> None:
        raw = self._decoded(encoded)
        self._stubs.event(self._size, raw)
        self._grow(leaf_hash(raw))

    def _stub(self, stub: list[Any], leaf: str, by: Any) -> None:
        try:
            entry = entry_of(self._size, stub, leaf, by)
        except ValueError as error:
            raise Bad(self._size, f"not a stub: {error}") from error
        self._stubs.stub(entry)
        self._grow(entry.leaf)

    def _grow(self, leaf: bytes) -> None:
        self._leaves.append(leaf)
        outside = self._outside.get(self._size)
        if outside and self._root() != outside.root:
            detail = "the events do not lead to the root that was published for this size"
            raise Bad(self._tree.size, detail, outside.size)

    def _seal(self, note: str, encoded: str) -> None:
        start, claimed = self._tree.size, _claimed_size(note)
        hashes = self._decoded(encoded)
        named = [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
        try:
            signed = self._log.checkpoint(note)
        except NoteRefusedError as error:
            raise Bad(start, str(error), claimed) from error
        if (self._size, self._root()) != (signed.size, signed.root):
            raise self._located(signed, named)
        if named != self._leaves:
            raise Bad(start, "the leaf hashes beside the checkpoint are not those of its events", signed.size)
        self._tree.extend(self._leaves)
        self._leaves.clear()
        self._checkpoints += 1
        try:
            self._look_for_cosignature(note, signed)
        except NoteRefusedError as error:
            raise Bad(start, str(error), signed.size) from error

    def _located(self, signed: Checkpoint, named: Sequence[bytes]) -> Bad:
        """Where the leaf hashes lead to the signed root they are authentic, and name the event; else the stretch."""
        start = self._tree.size
        tree = CompactRange(start, list(self._tree.peaks))
        tree.extend(named)
        if (tree.size, tree.root()) != (signed.size, signed.root):
            detail = f"{self._size - start} events from here on do not lead to the root that was signed"
            return Bad(start, detail, signed.size)
        pairs = zip_longest(named, self._leaves)
        differs = next(n for n, (authentic, found) in enumerate(pairs) if authentic != found)
        return Bad(self._stubs.blamed(start + differs), "not the event that was signed", signed.size)

    def _root(self) -> bytes:
        tree = CompactRange(self._tree.size, list(self._tree.peaks))
        tree.extend(self._leaves)
        return tree.root()

    def _decoded(self, encoded: str) -> bytes:
        try:
            return decode(encoded)
        except NoteRefusedError as error:
            raise Bad(self._size, "not canonical base64") from error

    def _look_for_cosignature(self, note: str, signed: Checkpoint) -> None:
        if self._witness is None or f"{self._witness.name} " not in note:
            return
        self._witness.moment(note)
        self._cosigned = max(self._cosigned or 0, signed.size)

    def _finish(self) -> None:
        if self._leaves:
            raise Bad(self._tree.size, "no checkpoint covers the events from here on: the file was cut")
        promised = max(self._outside, default=0)
        if promised > self._size:
            raise Bad(self._size, f"{promised} events were signed, the file ends after {self._size}", promised)
        self._stubs.finish(self._size)
        if self._checkpoints == 0:
            raise Bad(0, "no checkpoint: nothing in this file is signed")
        if self._witness is not None and self._cosigned is None:
            raise Bad(0, f"no checkpoint is co-signed by {self._witness.name}")

    def _report(self, bad: Bad | None) -> FileReport:
        told = (bad.position, bad.checkpoint, bad.problem) if bad else (None, None, None)
        proven = min(self._stubs.proven(self._tree.size), bad.position) if bad else self._tree.size
        return FileReport(self._size, proven, self._tree.root().hex(), self._checkpoints, self._cosigned, *told)


def _claimed_size(note: str) -> int | None:
    """What a note that nobody vouches for says of itself."""
    try:
        return parse_checkpoint(split_note(note)[0]).size
    except NoteRefusedError:
        return None
