"""The witness as a process: over HTTP as C2SP has it, and killed at the worst moments."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from services.audit.cosignature import WitnessKey
from tests.support import ServiceProcess
from tests.support.waiting import eventually_true
from tests.witness.log import SmallLog


@pytest.fixture
def log() -> SmallLog:
    return SmallLog().grow(5)


@pytest.fixture
def witness(stack: Stack, log: SmallLog, tmp_path: Path) -> Iterator[ServiceProcess]:
    told = {"GATEHOUSE_WITNESS_LOG_KEY": log.signer.verifier.vkey(), "GATEHOUSE_WITNESS_DIRECTORY": str(tmp_path / "m")}
    with ServiceProcess(stack, "witness", env=told, supervised=True) as process:
        yield process


@pytest.fixture
def key(stack: Stack) -> WitnessKey:
    return WitnessKey.of(stack.env_of("audit")["GATEHOUSE_WITNESS_KEY"])


Answer = tuple[int, str, str]
"""Status, Content-Type, body."""


def call(url: str, body: str | None = None) -> Answer:
    try:
        with urllib.request.urlopen(url, None if body is None else body.encode(), timeout=5) as answer:
            return answer.status, answer.headers["content-type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["content-type"], error.read().decode()


def add(witness: ServiceProcess, request: str) -> Answer:
    return call(f"{witness.url}/add-checkpoint", request)


def test_a_log_is_cosigned_over_http(witness: ServiceProcess, log: SmallLog, key: WitnessKey) -> None:
    nothing = call(f"{witness.url}/checkpoint")
    first = add(witness, log.request(0))
    told = add(witness, log.grow(3).request(0))
    second = add(witness, log.request(5))

    assert nothing[0] == 404
    assert (first[0], second[0]) == (200, 200)
    assert told == (409, "text/x.tlog.size", "5\n")
    assert key.moment(log.note + second[2]) > 0
    assert call(f"{witness.url}/checkpoint")[2] == log.note + second[2]


def test_a_fork_is_seen_in_readiness_metrics_and_log(witness: ServiceProcess, log: SmallLog) -> None:
    add(witness, log.request(0))
    ready = call(f"{witness.url}/readyz")

    refused = add(witness, log.rebuilt().request(5))

    alarmed = call(f"{witness.url}/readyz")
    assert (ready[0], refused[0], alarmed[0]) == (200, 409, 503)
    assert "forked-5-" in json.dumps(json.loads(alarmed[2])["problems"])
    assert 'gatehouse_witness_alarms_total{alarm="forked"} 1.0' in call(f"{witness.url}/metrics")[2]
    assert '"event":"witness.alarm"' in witness.log.read_text()


@pytest.mark.parametrize("body", ["x" * 70_000, "\x00", ""], ids=["too large", "a null byte", "empty"])
def test_nonsense_is_refused_and_does_no_harm(witness: ServiceProcess, log: SmallLog, body: str) -> None:
    assert add(witness, body)[0] in {400, 413}
    assert add(witness, log.request(0))[0] == 200


@pytest.mark.parametrize(("point", "size"), [("before_kept", 5), ("before_answered", 8)])
def test_killed_around_its_memory_it_has_never_signed_what_it_does_not_remember(
    witness: ServiceProcess, log: SmallLog, key: WitnessKey, point: str, size: int
) -> None:
    add(witness, log.request(0))
    forged = log.rebuilt(2).grow(3)
    witness.crash.arm(point)

    unanswered = fails(lambda: add(witness, log.grow(3).request(5)))
    eventually_true(lambda: witness.crash.happened and witness.starts > 1, "died and came back", 20)
    witness.wait_ready()
    remembered = call(f"{witness.url}/checkpoint")[2]

    assert unanswered
    assert log.signer.verifier.checkpoint(remembered).size == size
    assert key.moment(remembered) > 0
    assert add(witness, forged.request(size))[0] != 200
    assert add(witness, log.request(size))[0] == 200


def fails(ask: Callable[[], Answer]) -> bool:
    try:
        ask()
    except (urllib.error.URLError, ConnectionError):
        return True
    return False
