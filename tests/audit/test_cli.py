"""`gatehouse audit verify`: what an operator is told, and the exit status a script can act on."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.audit.bucket import Bucket
from services.audit.settings import AuditSettings
from tests.audit.ledger import Ledger, story
from tests.audit.test_tampering import FLIP, REHASH

pytestmark = pytest.mark.asyncio


@pytest.fixture
def environment(settings: AuditSettings, tmp_path: Path) -> Path:
    """The settings as a file; secrets spelled out, as the service reads them."""
    values = {
        name: value.get_secret_value() if hasattr(value, "get_secret_value") else _spelled(value)
        for name, value in settings.model_dump().items()
    }
    file = tmp_path / "audit.env"
    file.write_text("".join(f"GATEHOUSE_{name.upper()}={value}\n" for name, value in values.items()))
    return file


def _spelled(value: object) -> object:
    return json.dumps(value) if isinstance(value, list | tuple | dict) else value


def exchange(file: Path, old: str, new: str) -> Path:
    file.write_text(file.read_text().replace(old, new))
    return file


def run(file: Path, *options: str) -> tuple[int, str]:
    command = (sys.executable, "-m", "deploy.cli.app", "audit", "verify", *options)
    done = subprocess.run(
        command, env=os.environ | {"GATEHOUSE_SETTINGS": str(file)}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def run_json(file: Path) -> tuple[int, Any]:
    status, out = run(file, "--json")
    return status, json.loads(out)


async def test_a_sound_log_is_status_0(ledger: Ledger, settings: AuditSettings, environment: Path) -> None:
    await ledger.take(story(5), story(3))
    Bucket(settings).put(8, ledger.notes[-1])

    status, report = run_json(environment)

    assert (status, report["ok"], report["size"], report["published"]) == (0, True, 8, 8)
    assert "the log is what was signed" in run(environment)[1]


async def test_a_tampered_log_is_status_1_and_names_the_first_bad_position(ledger: Ledger, environment: Path) -> None:
    await ledger.take(story(5), story(5))
    ledger.tamper(FLIP, REHASH)

    status, report = run_json(environment)

    assert (status, report["ok"], report["finding"]["position"]) == (1, False, 7)
    assert "FIRST BAD POSITION 7" in run(environment)[1]


async def test_a_log_emptied_with_its_checkpoints_is_status_1_because_the_bucket_remembers(
    ledger: Ledger, settings: AuditSettings, environment: Path
) -> None:
    await ledger.take(story(5))
    Bucket(settings).put(5, ledger.notes[-1])
    ledger.tamper("TRUNCATE events, event_targets, checkpoints")

    status, report = run_json(environment)

    assert (status, report["finding"]["kind"], report["finding"]["position"]) == (1, "cut", 0)


async def test_a_place_that_can_not_be_read_is_named_and_two_are_status_2(
    ledger: Ledger, settings: AuditSettings, environment: Path
) -> None:
    await ledger.take(story(2))
    nobody = "127.0.0.1:9"

    without_bucket = run(exchange(environment, settings.s3_endpoint, f"http://{nobody}"))
    without_both = run(exchange(environment, settings.kafka_bootstrap, nobody))

    assert without_bucket[0] == 0
    assert "not read: bucket" in without_bucket[1]
    assert without_both[0] == 2
    assert "could not check for a cut tail" in without_both[1]


async def test_a_database_that_can_not_be_read_is_status_2_and_tells_no_secret(
    settings: AuditSettings, environment: Path
) -> None:
    status, out = run(exchange(environment, "/audit_", "/no_such_"))

    assert status == 2
    assert "could not check" in out
    assert settings.audit_signing_key.get_secret_value() not in out
    assert "Traceback" not in out


async def test_a_home_without_a_stack_is_status_2(tmp_path: Path) -> None:
    status, out = run(tmp_path / "no-settings-here.env")

    assert status == 2
    assert "could not check" in out
