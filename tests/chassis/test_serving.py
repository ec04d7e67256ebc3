"""A process ends in its time after SIGTERM, whatever holds it, and says what that was."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.local.part import Part
from services.wire.serving import CUT_SHORT
from services.wire.settings import ProcessSettings
from tests.chassis.stubborn import KINDS, STOP_SECONDS
from tests.support.process import REPOSITORY, free_port

HELD = [kind for kind in KINDS if kind != "nothing holds it"]


def ended(kind: str) -> tuple[int, float, list[str]]:
    """Its exit code, the seconds since SIGTERM, and what it wrote."""
    command = (sys.executable, "-m", "tests.chassis.stubborn", kind, str(free_port()))
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert "stubborn.begins" in process.stdout.readline()
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        written, _ = process.communicate(timeout=20)
        return process.returncode, time.monotonic() - began, written.splitlines()


@pytest.mark.parametrize("kind", HELD)
def test_a_process_that_something_holds_is_gone_in_its_time(kind: str) -> None:
    code, seconds, _ = ended(kind)

    assert code == CUT_SHORT
    assert STOP_SECONDS <= seconds < STOP_SECONDS + 5


def test_it_says_what_it_was_waiting_for() -> None:
    _, _, written = ended("its end does not hear of it")

    told = json.loads(written[-1])
    assert told["event"] == "process.cut_short"
    assert [waits for waits in told["waiting"] if waits.endswith("deaf > never > Event.wait")]


def test_a_process_that_nothing_holds_ends_at_once_with_0() -> None:
    code, _, written = ended("nothing holds it")

    assert code == 0
    assert "process.cut_short" not in "".join(written)


def test_a_supervisor_is_more_patient_than_a_process() -> None:
    patience = Part("any", (), Path()).stop_seconds

    assert patience > ProcessSettings.model_fields["stop_seconds"].default
