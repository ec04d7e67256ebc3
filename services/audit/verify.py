"""Checks a log against its signed checkpoints and names the first bad position. Pure: rows in, a finding out.

Invariant: nothing is believed but the public key. Stored leaf hashes are fed to the tree, so that an altered event
whose hash was left alone is told apart from one whose hash was altered too: the first fails by itself, the second makes
the next root fail, and the batch's leaf hashes, authentic if they lead to the signed root, then name it.

`recorded_at` is signed by nobody; it must be the moment of the checkpoint that covers the event. Kafka's coordinates
are notes for operators and are not checked.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from services.audit.envelope import columns_of, parse, rows_told_by, strict_columns_of, targets_of
from services.audit.merkle import HASH_BYTES, CompactRange
from services.audit.node_check import NodeCheck
from services.audit.nodes import extend
from services.audit.note import Checkpoint, NoteRefusedError, Verifier
from services.audit.packed import Agreed
from services.audit.report import Finding, Kind, Report, first_of

Row = Sequence[Any]
"""position, raw, leaf_hash, recorded_at, then the columns of `envelope.DERIVED`, then the position of what purged it.

Only a stub has no bytes at all; whether it may stand there is `stub_scan`'s to say.
"""

Target = tuple[int, str, str]
"""position, type, id."""


_WEAK = (Kind.TARGET_DIFFERS, Kind.COLUMN_DIFFERS)


class Stored(NamedTuple):
    """One row of `checkpoints`."""

    size: int
    root: bytes
    range_hashes: Sequence[bytes]
    leaf_hashes: bytes
    note: str
    created_at: datetime


class Verification:
    """Feed it the log page by page; memory is that of one page and one batch.

    From position 0 on, or from a checkpoint whose compact range is known to lead to what was signed: then what is found
    is about the rest alone.
    """

    def __init__(self, verifier: Verifier, published: Iterable[str] = (), start: CompactRange | None = None) -> None:
        self._verifier = verifier
        self._published = _trusted(verifier, published)
        self._tree = start or CompactRange()
        self._leaves: list[bytes] = []
        self._moments: list[datetime] = []
        self._suspect: Finding | None = None
        self._nodes = NodeCheck()
        self._checkpoints = 0
        # up to here the log is what was published, and a fork began later
        self._confirmed = max((size for size in self._published if size <= self._tree.size), default=0)
        self.finding: Finding | None = None

    @property
    def verifier(self) -> Verifier:
        return self._verifier

    @property
    def checkpoints(self) -> int:
        """Checkpoints that fitted so far."""
        return self._checkpoints

    @property
    def size(self) -> int:
        """Events read so far."""
        return self._tree.size + len(self._leaves)

    def sealed_at(self, end: int) -> Finding | None:
        """The end of a range that is not the end of the log: everything before must be there, and proven."""
        if self.finding is None and self._tree.size != end:
            detail = f"the events before {end} end after {self.size}"
            self.finding = self._first(Finding(Kind.MISSING, self.size, detail))
        return self.finding

    def feed(
        self,
        rows: Sequence[Row],
        checkpoints: Sequence[Stored],
        targets: Iterable[Target],
        nodes: Iterable[Sequence[Any]] = (),
    ) -> Finding | None:
        """The next rows, the checkpoints and targets that lie within them, in their order, the nodes that end there."""
        self._nodes.expect(nodes)
        documents = [parse(row[1]) for row in rows]
        self._compare_targets(rows, documents, targets)
        return self._walk(len(rows), checkpoints, lambda part: self._read(rows[part], documents[part]))

    def feed_agreed(
        self, page: Agreed, checkpoints: Sequence[Stored], nodes: Iterable[Sequence[Any]] = ()
    ) -> Finding | None:
        """The same of a page on which bytes, columns and targets are known to agree: what is left are the hashes."""
        self._nodes.expect(nodes)
        return self._walk(len(page.leaves), checkpoints, lambda part: self._take(page.leaves[part], page.moments[part]))

    def _walk(
        self, number: int, checkpoints: Sequence[Stored], read: Callable[[slice], Finding | None]
    ) -> Finding | None:
        """The next events, from one checkpoint to the next."""
        stored = {checkpoint.size: checkpoint for checkpoint in checkpoints}
        start = self.size
        stops = stored.keys() | {size for size in self._published if start < size <= start + number}
        done = 0
        for stop in sorted(stops):
            found = read(slice(done, stop - start)) or self._seal(stop, stored.get(stop))
            if found:
                break
            done = stop - start
        else:
            found = read(slice(done, number))
        self.finding = self.finding or found
        return self.finding

    def finish(
        self, newest: int, beyond: Stored | None = None, gaps: Iterable[Finding] = (), strays: Iterable[Finding] = ()
    ) -> Report:
        """`newest` is the largest size of a stored checkpoint, `beyond` the first one past the end of the log.

        `gaps` are findings about aggregates and stubs; `strays` are nodes over events that are not there: only told
        where nothing else is wrong, such as a cut.
        """
        published = max((found.size for found in self._published.values()), default=None)
        promised = max(newest, published or 0)
        if self.finding is None and self.size < promised:
            self.finding = self._first(self._short(promised, beyond))
        elif self.finding is None and self._leaves:
            detail = "no checkpoint covers the events from here on"
            self.finding = self._first(Finding(Kind.UNSIGNED, self._tree.size, detail))
        first = first_of([*([self.finding] if self.finding else []), *gaps] or strays)
        proven = min(self._tree.size, first.position) if first else self._tree.size
        return Report(self.size, proven, self._tree.root().hex(), self._checkpoints, published, first)

    def _take(self, leaves: Sequence[bytes], moments: Sequence[datetime]) -> None:
        self._leaves += leaves
        self._moments += moments

    def _read(self, rows: Sequence[Row], documents: Sequence[Any]) -> Finding | None:
        """The inner loop: bytes against leaf hash, columns against bytes. All at once, and one by one if that fails."""
        expected = self.size
        told = rows_told_by(rows, documents, expected)
        if told == rows:
            self._leaves += [row[2] for row in rows]
            self._moments += [row[3] for row in rows]
            return None
        for row, document in zip(rows, documents, strict=True):
            position, raw, leaf, moment = row[:4]
            if position != expected:
                return self._first(Finding(Kind.MISSING, expected, f"the next event is at position {position}"))
            if raw is None:
                if any(value is not None for value in row[10:-1]):
                    self._suspicion(Kind.COLUMN_DIFFERS, position, "a stub says more than a stub may")
            elif sha256(b"\x00" + raw).digest() != leaf:
                self._suspicion(Kind.ALTERED, position, "the bytes do not have the leaf hash stored with them")
            elif row[-1] is not None or (columns_of(document) != row[4:-1] and strict_columns_of(raw) != row[4:-1]):
                self._suspicion(Kind.COLUMN_DIFFERS, position, "a column says something else than the bytes")
            self._leaves.append(leaf)
            self._moments.append(moment)
            expected += 1
        return None

    def _seal(self, size: int, stored: Stored | None) -> Finding | None:
        """Compare the tree with what was signed at this size; from here on everything before is proven."""
        try:
            signed = self._verifier.checkpoint(stored.note) if stored else self._published[size]
        except NoteRefusedError as error:
            return self._range(Kind.CHECKPOINT_REFUSED, size, str(error))
        tree = CompactRange(self._tree.size, list(self._tree.peaks))
        self._nodes.complete(extend(tree, self._leaves))
        wrong = self._compare(tree, signed, stored)
        if wrong is None:
            self._tree, self._leaves, self._moments = tree, [], []
            self._checkpoints += 1
            self._confirmed = size if size in self._published else self._confirmed
        return wrong

    def _compare(self, tree: CompactRange, signed: Checkpoint, stored: Stored | None) -> Finding | None:
        size, published = tree.size, self._published.get(tree.size)
        if signed.size != size:
            return self._range(Kind.CHECKPOINT_REFUSED, size, f"the note at {size} is about {signed.size} events")
        if tree.root() != signed.root:
            return self._locate(signed, stored)
        if published and published.root != signed.root:
            detail = "a checkpoint with another root was published for this size"
            return Finding(Kind.FORKED, self._confirmed, detail, until=size - 1)
        if self._suspect and self._suspect.position < size:
            return self._suspect
        return self._compare_row(tree, stored)

    def _compare_row(self, tree: CompactRange, stored: Stored | None) -> Finding | None:
        """The events are authentic: is the row that should stand beside them?"""
        size = tree.size
        if stored is None:
            return self._range(Kind.CHECKPOINT_REFUSED, size, f"checkpoint {size} was taken out")
        told = (stored.root, list(stored.range_hashes), stored.leaf_hashes)
        if told != (tree.root(), tree.peaks, b"".join(self._leaves)):
            return self._range(Kind.CHECKPOINT_REFUSED, size, f"hashes of checkpoint {size} are not the signed ones")
        return self._late(stored) or self._misled()

    def _misled(self) -> Finding | None:
        """The last look at a batch: its leaves are authentic, so what they complete can be compared."""
        wrong = self._nodes.compare()
        return wrong and self._first(wrong)

    def _locate(self, signed: Checkpoint, stored: Stored | None) -> Finding:
        """The stored root of this stretch is not the signed one: which event is it?"""
        authentic = self._authentic(signed, stored)
        if authentic is None:
            return self._range(Kind.REWRITTEN, signed.size, "the events do not lead to the signed root")
        differs = next(n for n, pair in enumerate(zip(authentic, self._leaves, strict=True)) if pair[0] != pair[1])
        return self._rewritten(differs)

    def _short(self, promised: int, beyond: Stored | None) -> Finding:
        """More was signed than is there: cut at the end, or taken out before it, so that the rest moved up?"""
        detail = f"a checkpoint of {promised} events is signed, the log ends after {self.size}"
        authentic = None
        with suppress(NoteRefusedError):
            authentic = beyond and self._authentic(self._verifier.checkpoint(beyond.note), beyond)
        if authentic:
            pairs = zip(authentic, self._leaves, strict=False)
            differs = next((n for n, (signed, leaf) in enumerate(pairs) if signed != leaf), None)
            return Finding(Kind.CUT, self.size, detail) if differs is None else self._rewritten(differs)
        return self._range(Kind.CUT, promised, detail) if self._leaves else Finding(Kind.CUT, self.size, detail)

    def _authentic(self, signed: Checkpoint, stored: Stored | None) -> list[bytes] | None:
        """The leaf hashes kept with a checkpoint, if they lead from what is proven to what was signed."""
        leaves = _cut(stored.leaf_hashes) if stored else []
        tree = CompactRange(self._tree.size, list(self._tree.peaks))
        tree.extend(leaves)
        return leaves if (tree.size, tree.root()) == (signed.size, signed.root) else None

    def _rewritten(self, nth: int) -> Finding:
        return self._first(Finding(Kind.REWRITTEN, self._tree.size + nth, "not the event that was signed"))

    def _late(self, stored: Stored) -> Finding | None:
        if self._moments.count(stored.created_at) == len(self._moments):
            return None
        late = next(n for n, moment in enumerate(self._moments) if moment != stored.created_at)
        detail = "recorded_at is not the moment of its checkpoint"
        return Finding(Kind.COLUMN_DIFFERS, self._tree.size + late, detail)

    def _compare_targets(self, rows: Sequence[Row], documents: Sequence[Any], targets: Iterable[Target]) -> None:
        pairs = zip(rows, documents, strict=True)
        expected: set[Target] = {(row[0], kind, name) for row, document in pairs for kind, name in targets_of(document)}
        found = set(targets)  # a row of the database equals the tuple of its values
        if expected != found:
            position = min(position for position, *_ in expected ^ found)
            self._suspicion(Kind.TARGET_DIFFERS, position, "event_targets says something else than the bytes")

    def _suspicion(self, kind: Kind, position: int, detail: str) -> None:
        self._suspect = self._first(Finding(kind, position, detail))

    def _first(self, finding: Finding) -> Finding:
        """What was suspected earlier in the log goes first; at one position, what says most."""
        suspect = self._suspect
        if suspect is None or finding.position < suspect.position:
            return finding
        if finding.position == suspect.position and suspect.kind in _WEAK:
            return finding
        return suspect

    def _range(self, kind: Kind, size: int, detail: str) -> Finding:
        return Finding(kind, self._tree.size, detail, until=size - 1)


def _trusted(verifier: Verifier, notes: Iterable[str]) -> dict[int, Checkpoint]:
    """Notes that this log's key signed, by size; anybody may put anything else beside them."""
    found = {}
    for note in notes:
        with suppress(NoteRefusedError):
            checkpoint = verifier.checkpoint(note)
            found[checkpoint.size] = checkpoint
    return found


def _cut(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
