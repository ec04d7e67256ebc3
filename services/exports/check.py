"""Is a file the one that its manifest speaks of? Nothing but the file is needed."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from services.exports.formats import codec
from services.exports.manifest import Manifest

_CHUNK_BYTES = 1 << 20


def problems(file: Path, manifest: Manifest) -> Iterator[str]:
    """What the two do not agree on, as `what: how`. Raises OSError."""
    size, sha256 = _digest(file)
    if size != manifest.size:
        yield f"size: {size} bytes, not {manifest.size}"
    if sha256 != manifest.sha256:
        yield f"hash: {sha256}, not {manifest.sha256}"
    try:
        rows = sum(1 for _ in codec(manifest.format).decode(manifest.described(), file))
    except Exception as error:  # what was altered may break a reader in any way
        yield f"rows: not readable as {manifest.format}: {error}"
        return
    if rows != manifest.rows:
        yield f"rows: {rows}, not {manifest.rows}"


def _digest(file: Path) -> tuple[int, str]:
    size, found = 0, hashlib.sha256()
    with file.open("rb") as content:
        while piece := content.read(_CHUNK_BYTES):
            size += len(piece)
            found.update(piece)
    return size, found.hexdigest()
