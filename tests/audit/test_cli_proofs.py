"""`gatehouse audit prove` and `audit consistency`: files that somebody with the public key can check offline."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from services.audit.note import NoteRefusedError
from services.audit.offline import ProofRefusedError, check_growth, check_inclusion
from services.audit.proof_text import NotAProofError
from tests.audit.ledger import Ledger, event, record, story
from tests.audit.test_cli import environment
from tests.audit.test_log_file import command

__all__ = ["environment"]
pytestmark = pytest.mark.asyncio


async def test_an_event_is_proven_by_a_file(ledger: Ledger, environment: Path) -> None:
    arrived = record(told := event())
    await ledger.take(story(300), [arrived], story(2))

    status, text = command("prove", told["id"], env={"GATEHOUSE_SETTINGS": str(environment)})
    checkpoint = check_inclusion(arrived.value, text, ledger.signer.verifier)

    assert status == 0
    assert text.startswith("c2sp.org/tlog-proof@v1\nindex 300\n")
    assert checkpoint.size == 303
    for raw, bent in (
        (arrived.value + b" ", text),
        (arrived.value, text.replace("index 300", "index 299")),
        (arrived.value, text.replace("\n303\n", "\n304\n")),
        (arrived.value, text.replace("index 300\n", "index 300\nAAAA\n")),
    ):
        with pytest.raises((ProofRefusedError, NoteRefusedError, NotAProofError)):
            check_inclusion(raw, bent, ledger.signer.verifier)


async def test_growth_is_proven_by_a_file(ledger: Ledger, environment: Path) -> None:
    await ledger.take(story(300), story(7), story(2))
    told = {"GATEHOUSE_SETTINGS": str(environment)}
    oldest, middle, newest = ledger.notes

    status, text = command("consistency", "300", env=told)
    shorter = command("consistency", "300", "307", "--json", env=told)

    assert status == 0
    assert check_growth(oldest, text, ledger.signer.verifier).size == 309
    assert json.loads(shorter[1])["checkpoint"] == middle
    with pytest.raises(ProofRefusedError):
        check_growth(middle, text, ledger.signer.verifier)
    with pytest.raises(ProofRefusedError):
        check_growth(newest, text, ledger.signer.verifier)


async def test_what_the_log_does_not_have_is_status_1_and_what_can_not_be_read_2(
    ledger: Ledger, environment: Path
) -> None:
    await ledger.take(story(3))
    told = {"GATEHOUSE_SETTINGS": str(environment)}

    assert command("prove", str(uuid4()), env=told)[0] == 1
    status, out = command("consistency", "2", "4", env=told)
    assert (status, "AUDIT_RANGE_INVALID" in out) == (1, True)
    assert command("consistency", "2", env={"GATEHOUSE_SETTINGS": "/nowhere"})[0] == 2
