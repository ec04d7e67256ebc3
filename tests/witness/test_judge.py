"""A8: a witness co-signs what contains all that it co-signed before, and nothing else."""

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.cosignature import Cosigner
from services.audit.note import Signer
from services.audit.proof_text import GrowthText
from services.witness.judge import Judge
from services.witness.store import InUseError, Store
from tests.witness.log import NOON, SmallLog, judge_of

COSIGNER = Cosigner("witness.example/w1", Ed25519PrivateKey.generate())


@pytest.fixture
def log() -> SmallLog:
    return SmallLog().grow(5)


@pytest.fixture
def judge(log: SmallLog, tmp_path: Path) -> Judge:
    """One that has co-signed the first five events."""
    judge = judge_of(log, tmp_path / "memory", COSIGNER)
    assert judge.judge(log.request(0)).status == 200
    return judge


def test_honest_growth_is_cosigned_and_remembered(judge: Judge, log: SmallLog) -> None:
    for old, number in ((5, 1), (6, 250), (256, 0), (256, 1_000)):
        verdict = judge.judge(log.grow(number).request(old))

        assert verdict.status == 200
        assert COSIGNER.verifier.moment(log.note + verdict.text) == NOON
        assert judge.store.newest() == log.note + verdict.text

    assert judge.alarms == []


def test_whoever_does_not_know_where_it_stands_is_told(judge: Judge, log: SmallLog) -> None:
    log.grow(4)

    told = judge.judge(log.request(0))
    after = judge.judge(log.request(int(told.text)))

    assert (told.status, told.text, told.is_size) == (409, "5\n", True)
    assert after.status == 200
    assert judge.alarms == []


def test_it_catches_up_with_any_growth_in_one_step(judge: Judge, log: SmallLog) -> None:
    assert judge.judge(log.grow(10_000).request(5)).status == 200


def test_a_rebuilt_history_of_the_same_size_is_refused_and_both_notes_are_kept(
    judge: Judge, log: SmallLog, tmp_path: Path
) -> None:
    before, forged = judge.store.newest(), log.rebuilt()

    verdict = judge.judge(forged.request(5))

    assert verdict.status == 409
    assert judge.store.newest() == before
    (name,) = judge.alarms
    evidence = (tmp_path / "memory" / "evidence" / name).read_text()
    assert name.startswith("forked-5-")
    assert log.note in evidence
    assert forged.note in evidence


@pytest.mark.parametrize("from_position", [0, 3, 4])
def test_a_fork_that_grew_is_refused(judge: Judge, log: SmallLog, from_position: int) -> None:
    before, forged = judge.store.newest(), log.rebuilt(from_position).grow(3)

    verdict = judge.judge(forged.request(5))

    assert verdict.status == 422
    assert judge.store.newest() == before
    assert judge.alarms == ["unproven"]


@pytest.mark.parametrize("old", [0, 3])
def test_a_log_that_shrank_is_refused_and_an_alarm(judge: Judge, log: SmallLog, old: int) -> None:
    before = judge.store.newest()
    del log.leaves[3:]

    verdict = judge.judge(log.request(old))

    assert (verdict.status, verdict.text) == (409, "5\n")
    assert judge.store.newest() == before
    assert judge.alarms == ["shrunken"]


def test_honest_growth_ends_an_alarm_that_may_have_been_a_mistake_but_never_a_fork(judge: Judge, log: SmallLog) -> None:
    judge.judge(GrowthText(5, [bytes(32)], SmallLog(log.signer, list(log.leaves)).grow(2).note).render())
    suspected = judge.alarms
    judge.judge(log.rebuilt().request(5))
    verdict = judge.judge(log.grow(1).request(5))

    assert suspected == ["unproven"]
    assert verdict.status == 200
    assert [alarm.partition("-")[0] for alarm in judge.alarms] == ["forked"]


def test_what_it_remembers_outlives_the_process(judge: Judge, log: SmallLog, tmp_path: Path) -> None:
    judge.judge(log.rebuilt().request(5))
    again = shutil.copytree(tmp_path / "memory", tmp_path / "copy")

    heir = judge_of(log, again, COSIGNER)

    assert heir.alarms == judge.alarms != []
    assert heir.judge(log.rebuilt(2).grow(1).request(5)).status == 422
    assert heir.judge(log.grow(1).request(5)).status == 200


def test_two_witnesses_never_share_a_memory(judge: Judge, tmp_path: Path) -> None:
    with pytest.raises(InUseError):
        Store(tmp_path / "memory")


def test_only_the_log_that_it_watches_is_heard(judge: Judge, log: SmallLog) -> None:
    stranger = SmallLog(Signer("other.example/log", log.signer.key)).grow(5)
    impostor = SmallLog(Signer(log.signer.name, Ed25519PrivateKey.generate())).grow(5).rebuilt()

    assert judge.judge(stranger.request(0)).status == 404
    assert judge.judge(impostor.request(5)).status == 403
    assert judge.alarms == []


def test_what_is_no_request_is_refused(judge: Judge, log: SmallLog) -> None:
    fine = log.grow(1).request(5)
    bad = (
        "",
        "old 5\n",
        fine.replace("old 5", "old 05"),
        fine.replace("old 5", "old -5"),
        fine.replace("old 5", "old 7"),
        fine.replace("old 5", "new 5"),
        fine.replace("old 5\n", "old 5\nAAAA\n"),
        fine.replace("old 5\n", "old 5\n" + "A" * 43 + "=\n" * 64),
    )

    assert {judge.judge(request).status for request in bad} == {400}
    assert judge.judge(fine).status == 200


def test_a_line_in_the_witness_name_that_somebody_else_wrote_is_not_kept(judge: Judge, log: SmallLog) -> None:
    forged = Cosigner(COSIGNER.name, Ed25519PrivateKey.generate()).cosign("anything\n", NOON)
    request = log.grow(1).request(5) + forged

    verdict = judge.judge(request)

    assert verdict.status == 200
    assert judge.store.newest() == log.note + verdict.text
