"""docs/OPERATIONS.md names the settings that exist, in the rows of those who read them, all of them and no others."""

import re
from pathlib import Path

import pytest

from contracts.topics import PRINCIPALS
from services.audit.settings import AuditSettings
from services.gateway.settings import GatewaySettings
from services.partners.mint.settings import MintSettings
from services.partners.settings import PartnersSettings
from services.staffing.settings import StaffingSettings
from services.wire.settings import ProcessSettings
from services.witness.settings import WitnessSettings

REPOSITORY = Path(__file__).parents[2]
DOCUMENT = (REPOSITORY / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
PROCESSES: dict[str, type[ProcessSettings]] = {
    "partners": PartnersSettings,
    "mint worker": MintSettings,
    "staffing": StaffingSettings,
    "audit": AuditSettings,
    "gateway": GatewaySettings,
    "witness": WitnessSettings,
}
COMMAND = "the `gatehouse` command"
OF_TESTS = {"GATEHOUSE_CRASH_FILE"}
STAND_INS = ("deploy/local/oidc.py", "deploy/local/sms.py", "deploy/local/environment.py")
"""What the local stack plays the outside world with is told by it alone."""

_SETTING = re.compile(r"\b(?:(?:GATEHOUSE|OTC)_[A-Z0-9_]*[A-Z0-9]|SOFTHSM2_CONF)\b")
_ROW = re.compile(r"^\| ([^|]+) \| (.*(?:GATEHOUSE|OTC)_.*) \|$", re.MULTILINE)


def documented() -> dict[str, set[str]]:
    """What the rows say that each process reads; a head is names of processes, and after a colon what about."""
    found: dict[str, set[str]] = {name: set() for name in (*PROCESSES, COMMAND)}
    for head, keys in _ROW.findall(DOCUMENT):
        for name in _named(head.partition(":")[0]):
            found[name] |= set(_SETTING.findall(keys))
    found["mint worker"] |= found["partners"]
    return found


def _named(head: str) -> list[str]:
    match head:
        case "all":
            return list(PROCESSES)
        case "all but the witness":
            return [name for name in PROCESSES if name != "witness"]
        case _:
            return head.split(", ")


def read_by(kind: type[ProcessSettings]) -> set[str]:
    """The names under which the environment is asked."""
    return {str(field.validation_alias or f"GATEHOUSE_{name.upper()}") for name, field in kind.model_fields.items()}


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_reads_the_settings_that_its_rows_name_and_no_others(process: str) -> None:
    assert documented()[process] == read_by(PROCESSES[process])


def test_every_setting_that_stands_in_the_code_stands_in_the_document_and_the_other_way_round() -> None:
    sources = [file for folder in ("services", "deploy") for file in (REPOSITORY / folder).rglob("*.py")]
    written = {
        name
        for file in sources
        if str(file.relative_to(REPOSITORY)) not in STAND_INS
        for name in _SETTING.findall(file.read_text(encoding="utf-8"))
    }
    passwords = {f"GATEHOUSE_KAFKA_PASSWORD_{principal.upper()}" for principal in PRINCIPALS}
    known = set().union(written, passwords, *map(read_by, PROCESSES.values()))

    assert written - set(_SETTING.findall(DOCUMENT)) == OF_TESTS
    assert set(_SETTING.findall(DOCUMENT)) <= known
