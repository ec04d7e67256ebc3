"""A8: an owner of the database who also has the log's key rebuilds what he likes, and is found all the same."""

from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.stack import Stack
from services.audit.cosignature import WitnessKey
from services.audit.published import collect, cosigned_note
from services.audit.report import Kind
from services.audit.settings import AuditSettings
from services.audit.witness_address import WitnessAddress
from services.audit.witnessing import WitnessAwayError, Witnessing, WitnessRefusedError
from tests.audit.ledger import Ledger, story
from tests.audit.test_cli import environment, run_json
from tests.support import ServiceProcess

__all__ = ["environment"]
pytestmark = pytest.mark.asyncio

EMPTY: LiteralString = "TRUNCATE events, event_targets, checkpoints, tree_nodes"
CUT: tuple[LiteralString, ...] = (
    "DELETE FROM events WHERE position >= 4",
    "DELETE FROM event_targets WHERE position >= 4",
    "DELETE FROM checkpoints WHERE size > 4",
)


@pytest.fixture
def witness(stack: Stack, ledger: Ledger, tmp_path: Path) -> Iterator[ServiceProcess]:
    told = {
        "GATEHOUSE_WITNESS_LOG_KEY": ledger.signer.verifier.vkey(),
        "GATEHOUSE_WITNESS_DIRECTORY": str(tmp_path / "memory"),
    }
    with ServiceProcess(stack, "witness", env=told) as process:
        yield process


@pytest.fixture
def address(stack: Stack, witness: ServiceProcess) -> WitnessAddress:
    return WitnessAddress(witness.url, WitnessKey.of(stack.env_of("audit")["GATEHOUSE_WITNESS_KEY"]))


@pytest.fixture
def watched(ledger: Ledger, producer: AIOKafkaProducer, address: WitnessAddress) -> Witnessing:
    return Witnessing(ledger.engine, producer, ledger.signer.verifier, address)


async def test_every_checkpoint_is_cosigned_and_the_cosigned_note_is_published(
    ledger: Ledger, settings: AuditSettings, watched: Witnessing, address: WitnessAddress
) -> None:
    for length in (3, 1, 300):
        await ledger.take(story(length))
        await watched.submit()

    assert watched.cosigned == 304
    cosigned = cosigned_note(address)
    notes, _ = await collect(settings, near=304)
    assert cosigned in notes
    assert cosigned.startswith(ledger.notes[-1])
    assert (await ledger.verify([cosigned])).ok


async def test_after_a_rest_of_either_side_one_step_catches_up(
    ledger: Ledger, producer: AIOKafkaProducer, watched: Witnessing, witness: ServiceProcess, address: WitnessAddress
) -> None:
    await ledger.take(story(3))
    await watched.submit()
    witness.stop()
    await ledger.take(story(200), story(200))
    with pytest.raises(WitnessAwayError):
        await watched.submit()
    away = await watched.check()
    witness.start()

    await watched.submit()
    fresh = Witnessing(ledger.engine, producer, ledger.signer.verifier, address)
    await fresh.submit()

    assert away is None, "a witness that is away is no reason to stop"
    assert watched.cosigned == fresh.cosigned == 403


async def test_a_rebuilt_log_is_found_by_its_witness_and_by_nobody_else(
    ledger: Ledger, watched: Witnessing, address: WitnessAddress
) -> None:
    await ledger.take(story(4), story(4))
    await watched.submit()
    ledger.tamper(EMPTY)
    await ledger.take(story(4), story(4))

    without = await ledger.verify(ledger.notes)
    found = await ledger.verify([*ledger.notes, cosigned_note(address)])

    assert without.ok, "control: the log's own key vouches for the rebuilt log"
    assert found.finding
    assert (found.finding.kind, found.finding.position) == (Kind.FORKED, 4)
    with pytest.raises(WitnessRefusedError, match="another log of 8 events"):
        await watched.submit()
    assert await watched.check()


async def test_a_fork_that_grew_on_is_found_too(ledger: Ledger, watched: Witnessing, address: WitnessAddress) -> None:
    await ledger.take(story(4), story(4))
    await watched.submit()
    ledger.tamper(*CUT)
    await ledger.take(story(5))

    without = await ledger.verify(ledger.notes)
    found = await ledger.verify([*ledger.notes, cosigned_note(address)])

    assert without.ok, "control"
    assert found.finding
    assert (found.finding.kind, found.finding.position, found.finding.until) == (Kind.REWRITTEN, 4, 7)
    with pytest.raises(WitnessRefusedError, match="does not contain the one of 8"):
        await watched.submit()


async def test_a_log_that_was_cut_is_found_too(ledger: Ledger, watched: Witnessing, address: WitnessAddress) -> None:
    await ledger.take(story(4), story(4))
    await watched.submit()
    ledger.tamper(*CUT)

    without = await ledger.verify(ledger.notes)
    found = await ledger.verify([*ledger.notes, cosigned_note(address)])

    assert without.ok, "control"
    assert found.finding
    assert (found.finding.kind, found.finding.position) == (Kind.CUT, 4)
    with pytest.raises(WitnessRefusedError, match="co-signed 8 events, the log has only 4"):
        await watched.submit()


async def test_the_command_asks_the_witness(
    ledger: Ledger, watched: Witnessing, address: WitnessAddress, environment: Path
) -> None:
    await ledger.take(story(4), story(4))
    environment.write_text(
        environment.read_text()
        .replace("GATEHOUSE_WITNESS_URL=\n", f"GATEHOUSE_WITNESS_URL={address.url}\n")
        .replace("GATEHOUSE_WITNESS_KEY=", f"GATEHOUSE_WITNESS_KEY={address.key.vkey()}\nIGNORED=")
    )
    unasked = run_json(environment)
    await watched.submit()
    asked = run_json(environment)
    ledger.tamper(EMPTY)
    await ledger.take(story(8))
    found = run_json(environment)

    assert (unasked[0], unasked[1]["unread"]) == (0, ["witness: answered with 404"])
    assert (asked[0], asked[1]["published"], asked[1]["unread"]) == (0, 8, [])
    assert (found[0], found[1]["finding"]["kind"]) == (1, "forked")
