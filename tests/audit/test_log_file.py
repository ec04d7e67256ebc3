"""A8: the whole log as a file, checked by somebody who has nothing else but public keys."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.cosignature import Cosigner
from services.audit.log_file import Entry, FileCheck, FileReport, Seal, write
from services.audit.merkle import leaf_hash, root_of
from services.audit.note import NoteRefusedError, Signer
from tests.audit.ledger import Ledger, story
from tests.audit.test_cli import environment

__all__ = ["environment"]
LOG = Signer("file.example/log", Ed25519PrivateKey.generate())
WITNESS = Cosigner("witness.example/w1", Ed25519PrivateKey.generate())
BATCHES = (3, 1, 5)


def note_of(raws: list[bytes], *, cosigned: bool = False) -> str:
    note = LOG.checkpoint(len(raws), root_of(map(leaf_hash, raws)))
    return note + WITNESS.cosign(LOG.verifier.open(note), 1_764_331_200) if cosigned else note


async def lines_of(word: str = "event", *, cosigned: bool = False) -> list[bytes]:
    """A file of nine events in three batches; the witness co-signed the newest."""

    async def entries() -> AsyncIterator[Entry]:
        raws: list[bytes] = []
        for number in BATCHES:
            batch = [f"{word} {len(raws) + n}".encode() for n in range(number)]
            raws += batch
            for raw in batch:
                yield raw
            newest = len(raws) == sum(BATCHES)
            yield Seal(note_of(raws, cosigned=cosigned and newest), b"".join(map(leaf_hash, batch)))

    return [line async for line in write(LOG.name, entries())]


def checked(lines: list[bytes], *published: str, watched: bool = False) -> FileReport:
    return FileCheck(LOG.verifier, WITNESS.verifier if watched else None, published).read(lines)


async def test_a_file_as_it_was_written_is_what_was_signed() -> None:
    report = checked(await lines_of())

    assert report.ok
    assert (report.size, report.proven, report.checkpoints) == (9, 9, 3)
    assert report.root == root_of(leaf_hash(f"event {n}".encode()) for n in range(9)).hex()


async def test_no_byte_can_be_altered() -> None:
    """Every byte of the file, each in two ways."""
    lines = await lines_of()
    for at, line in enumerate(lines):
        for byte in range(len(line)):
            for mask in (1, 0x20):
                bent = line[:byte] + bytes([line[byte] ^ mask]) + line[byte + 1 :]
                file = BytesIO(b"".join([*lines[:at], bent, *lines[at + 1 :]]))
                report = checked(list(file))

                assert not report.ok, (at, byte)


Change = Callable[[list[bytes]], list[bytes]]
FORGED = orjson.dumps({"raw": "Zm9yZ2Vk"}) + b"\n"
LOCATED: dict[str, tuple[Change, int, int | None]] = {
    "an event exchanged": (lambda f: [*f[:8], FORGED, *f[9:]], 5, 9),
    "an event taken out": (lambda f: [*f[:8], *f[9:]], 5, 9),
    "an event put in": (lambda f: [*f[:8], FORGED, *f[8:]], 5, 9),
    "two events swapped": (lambda f: [*f[:8], f[9], f[8], *f[10:]], 5, 9),
    "the first event taken out": (lambda f: [f[0], *f[2:]], 0, 3),
    "a checkpoint taken out": (lambda f: [*f[:4], *f[5:]], 0, 4),
    "the newest checkpoint taken out": (lambda f: f[:-1], 4, None),
    "cut inside a line": (lambda f: [*f[:9], f[9][:10]], 6, None),
    "everything taken out": (lambda f: f[:1], 0, None),
    "nothing there": (lambda f: f[:0], 0, None),
}


@pytest.mark.parametrize("how", LOCATED)
async def test_what_does_not_fit_is_named_with_the_checkpoint_that_tells_it(how: str) -> None:
    change, position, checkpoint = LOCATED[how]

    report = checked(change(await lines_of()))

    assert not report.ok
    assert (report.position, report.checkpoint) == (position, checkpoint)
    assert report.proven <= position


async def test_a_file_cut_after_a_checkpoint_is_found_by_a_newer_one_from_elsewhere() -> None:
    lines = await lines_of()
    newest = json.loads(lines[-1])["checkpoint"]

    without, found = checked(lines[:5]), checked(lines[:5], newest)

    assert without.ok, "control: it was signed once"
    assert (found.position, found.checkpoint) == (3, 9)


async def test_a_log_rebuilt_with_its_own_key_is_found_by_the_witness_alone() -> None:
    honest, rebuilt = await lines_of(cosigned=True), await lines_of("forged event")
    cosigned = json.loads(honest[-1])["checkpoint"]

    assert checked(honest, watched=True).cosigned == 9
    assert checked(rebuilt).ok, "control: whoever ignores the witness believes it"
    assert checked(rebuilt, watched=True).problem == f"no checkpoint is co-signed by {WITNESS.name}"
    assert (checked(rebuilt, cosigned, watched=True).position, checked(rebuilt, cosigned).checkpoint) == (4, 9)
    spliced = [*rebuilt[:-1], honest[-1]]
    assert (checked(spliced, watched=True).position, checked(spliced, watched=True).checkpoint) == (4, 9)


async def test_a_false_cosignature_is_refused_in_the_file_and_beside_it() -> None:
    lines = await lines_of()
    forged = json.loads(lines[-1])["checkpoint"] + Cosigner(WITNESS.name, LOG.key).cosign("x\n", 1)
    bent = orjson.dumps(json.loads(lines[-1]) | {"checkpoint": forged}) + b"\n"

    assert not checked([*lines[:-1], bent], watched=True).ok
    with pytest.raises(NoteRefusedError):
        checked(lines, forged, watched=True)


def command(*arguments: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    done = subprocess.run(
        (sys.executable, "-m", "deploy.cli.app", "audit", *arguments),
        env={"PATH": "/usr/bin:/bin"} | (env or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


async def test_the_log_is_exported_and_checked_without_settings_database_or_network(
    ledger: Ledger, environment: Path, tmp_path: Path
) -> None:
    await ledger.take(story(5), story(300), story(2))
    file = tmp_path / "log.jsonl"
    told = {"GATEHOUSE_SETTINGS": str(environment)}

    exported, keys = command("export", str(file), env=told)
    key = keys.split()[1]
    fine: Any = command("verify", str(file), "--log-key", key, "--json")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:100], FORGED, *lines[101:]]))
    found: Any = command("verify", str(file), "--log-key", key, "--json")
    unread = command("verify", str(tmp_path / "nothing"), "--log-key", key)

    assert exported == 0
    assert key == ledger.signer.verifier.vkey()
    assert (fine[0], json.loads(fine[1])["size"]) == (0, 307)
    assert (found[0], json.loads(found[1])["position"], json.loads(found[1])["checkpoint"]) == (1, 98, 305)
    assert "FIRST BAD POSITION 98 (checkpoint of 305)" in command("verify", str(file), "--log-key", key)[1]
    assert unread[0] == 2


def test_checking_a_file_needs_neither_database_nor_broker() -> None:
    program = """
import sys
import services.audit.log_file
print(*sorted({"sqlalchemy", "asyncpg", "psycopg", "aiokafka", "urllib3", "boto3"} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""
