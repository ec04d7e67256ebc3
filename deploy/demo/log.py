"""The log leaves the house: exported, and checked by another process that has nothing but the public keys."""

from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.demo.apart import apart
from deploy.demo.walk import Walk
from deploy.local.home import Home


def prove_log(walk: Walk, home: Path | None) -> None:
    """Export, check offline, change one byte, and see it found."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "log"
        with walk.step("the whole log is exported"):
            keys = apart("audit", "export", str(file), "--home", str(Home.at(home).root), expect=0).split()
        walk.note(f"{file.stat().st_size:,} bytes; what a verifier is given: {keys[1][:40]}…")
        with walk.step("another process checks it, offline, with public keys alone"):
            told = apart("audit", "verify", str(file), *keys, expect=0)
        walk.note(told)
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
        with walk.step("with one byte changed it is refused"):
            told = apart("audit", "verify", str(file), *keys, expect=1)
        walk.note(told)
