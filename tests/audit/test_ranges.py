"""Several processes, each with a range of the log, find what one would have found."""

import asyncio
import shutil
import sys
from collections.abc import Sequence

import pytest

from services.audit import ranges
from services.audit.one_range import Part, Range, verify_alone
from services.audit.range_process import in_processes
from services.audit.report import Kind
from tests.audit.ledger import Ledger, story
from tests.audit.test_tampering import ATTACKS, FLIP, REHASH, Attack, three_batches

pytestmark = pytest.mark.asyncio


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[Range]:
    """The same jobs without the processes, which take a second to start; returns them."""
    seen: list[Range] = []

    async def here(jobs: Sequence[Range]) -> list[Part]:
        seen.extend(jobs)
        return list(await asyncio.gather(*map(verify_alone, jobs)))

    monkeypatch.setattr(ranges, "in_processes", here)
    return seen


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
async def test_an_attack_is_located_as_by_one_process(ledger: Ledger, attack: Attack, at_once: list[Range]) -> None:
    kept = await three_batches(ledger)
    published = kept if attack.notes_kept_outside else ()
    ledger.tamper(*attack.statements)

    together = await ledger.verify_in_ranges(published)

    assert together.finding
    assert (together.finding.kind, together.finding.position, together.finding.until) == (
        attack.kind,
        attack.position,
        attack.until,
    )
    assert together.proven <= attack.position
    assert at_once or attack.kind in (Kind.CUT, Kind.CHECKPOINT_REFUSED)


async def test_an_untouched_log_is_sound_however_it_is_cut(ledger: Ledger, at_once: list[Range]) -> None:
    await ledger.take(*(story(length) for length in (3, 1, 40, 7, 7, 200, 30, 2)))
    alone = await ledger.verify(ledger.notes[::3])

    for number in (1, 2, 3, 7, 50):
        for page in (9, 1000):
            together = await ledger.verify_in_ranges(ledger.notes[::3], page, number)
            assert together == alone
    assert at_once


async def test_real_processes_say_the_same(ledger: Ledger) -> None:
    await three_batches(ledger)
    sound = await ledger.verify_in_ranges()
    ledger.tamper(FLIP, REHASH)

    finding = (await ledger.verify_in_ranges()).finding

    assert (sound.ok, sound.size, sound.checkpoints) == (True, 15, 3)
    assert finding
    assert (finding.kind, finding.position) == (Kind.REWRITTEN, 7)


async def test_a_range_that_could_not_be_read_is_an_error_and_no_answer(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = Range("postgresql://127.0.0.1:1/none", "none", ledger.signer.verifier.vkey(), (), 0, (), 5, 100)
    with pytest.raises(OSError, match="onnect"):
        await in_processes([nowhere])

    await three_batches(ledger)
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(OSError, match="ended with 1"):
        await ledger.verify_in_ranges()


async def test_a_checkpoint_that_is_not_the_signed_one_is_no_place_to_begin(
    ledger: Ledger, at_once: list[Range]
) -> None:
    """Else whoever spoils the compact range could have a process begin from a history of their own."""
    await three_batches(ledger)
    ledger.tamper("UPDATE checkpoints SET range_hashes = ARRAY[sha256('a'), sha256('b')] WHERE size IN (5, 10)")

    finding = (await ledger.verify_in_ranges()).finding

    assert not at_once
    assert finding
    assert (finding.kind, finding.position) == (Kind.CHECKPOINT_REFUSED, 0)
