"""Secrets: random for each home, complete, in files nobody else can read, and never for production."""

import base64
import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dotenv import dotenv_values

from contracts.topics import PRINCIPALS
from deploy.local import environment
from deploy.local.environment import AUDIT_ORIGIN
from deploy.local.errors import ProductionRefused
from deploy.local.home import Home
from deploy.local.hsm import public_jwk
from deploy.local.part import FAKES, SERVICES
from deploy.local.stack import Stack
from deploy.local.state import State
from deploy.local.swap_voucher import VoucherKey
from services.audit.note import Verifier


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with its files written and nothing running."""
    home = Home(tmp_path / "home")
    home.prepare()
    State.load(home).completed().save(home)
    environment.write_all(home, State.load(home))
    return home


def principal(part: str) -> str:
    """As whom a process logs in: the mint worker belongs to the partners service."""
    return "partners" if part == "mint" else part


def raw(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def test_every_file_with_a_secret_is_readable_by_its_owner_only(home: Home) -> None:
    files = sorted(home.etc.iterdir())

    assert {path.name for path in files} >= {"state.json", *(f"{name}.env" for name in SERVICES)}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(home.etc.stat().st_mode) == 0o700


@pytest.mark.parametrize("service", SERVICES)
def test_a_settings_file_holds_exactly_one_line_for_each_value(home: Home, service: str) -> None:
    lines = home.settings(service).read_text(encoding="utf-8").splitlines()

    assert dict(line.split("=", 1) for line in lines) == environment.of(service, home, State.load(home))
    assert f"GATEHOUSE_SERVICE={principal(service)}" in lines
    assert "GATEHOUSE_GENERATED_SECRETS=true" in lines


@pytest.mark.parametrize("part", [*SERVICES, *FAKES])
def test_a_process_reads_each_value_as_it_was_meant(home: Home, part: str) -> None:
    """The addresses of pagers hold what other formats take for quotes, comments or variables."""
    assert dotenv_values(home.settings(part)) == environment.of(part, home, State.load(home))


def test_secrets_stay_the_same_when_the_files_are_written_again(home: Home) -> None:
    before = State.load(home)

    assert before.completed() == before


def test_the_witness_is_told_the_logs_public_key_and_nobodys_secret_but_its_own(home: Home) -> None:
    state = State.load(home)
    settings = environment.of("witness", home, state)

    told = {name for name, secret in state.secrets.items() if secret in "\n".join(settings.values())}

    assert told == {"witness_signing_key"}
    assert Verifier.of(settings["GATEHOUSE_WITNESS_LOG_KEY"]).name == AUDIT_ORIGIN


def test_nobody_else_holds_the_witness_key(home: Home) -> None:
    state = State.load(home)
    secret = state.secrets["witness_signing_key"]

    told = {part for part in (*SERVICES, *FAKES) if secret in environment.of(part, home, state).values()}

    assert told == {"witness"}


def test_two_homes_share_no_secret(home: Home) -> None:
    other = State({}, {}).completed()

    assert not set(State.load(home).secrets.values()) & set(other.secrets.values())


def test_only_the_gateway_can_sign_for_callers_and_every_other_service_can_verify_it(home: Home) -> None:
    state = State.load(home)
    signing_key = environment.of("gateway", home, state)["GATEHOUSE_ACTOR_SIGNING_KEY"]
    public_key = Ed25519PrivateKey.from_private_bytes(raw(signing_key)).public_key().public_bytes_raw()

    for service in ("partners", "staffing", "audit"):
        settings = environment.of(service, home, state)
        assert raw(settings["GATEHOUSE_ACTOR_PUBLIC_KEY"]) == public_key
        assert signing_key not in settings.values()


def test_a_service_is_told_no_other_services_password(home: Home) -> None:
    state = State.load(home)

    for service in SERVICES:
        settings = "\n".join(environment.of(service, home, state).values())
        others = [state.secrets[f"kafka_{name}"] for name in PRINCIPALS if name != principal(service)]
        assert not [secret for secret in others if secret in settings]
        assert state.secrets["kafka_admin"] not in settings
        assert state.secrets["postgres_admin"] not in settings


def test_production_is_refused_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_ENV", "production")

    with pytest.raises(ProductionRefused):
        Stack(tmp_path / "home").up()

    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("secret", ["hsm_pin", "swap_token"])
def test_only_the_mint_worker_can_sign_a_voucher_or_reach_the_node(home: Home, secret: str) -> None:
    state = State.load(home)
    value = state.secrets[secret]

    told = {part for part in (*SERVICES, *FAKES) if value in environment.of(part, home, state).values()}

    assert told - {"swap"} <= {"mint"}
    assert secret == "hsm_pin" or told == {"mint", "swap"}


def test_the_swap_node_believes_the_key_that_the_home_signs_with(home: Home) -> None:
    state = State.load(home)

    file = Path(environment.of("swap", home, state)["GATEHOUSE_SWAP_VOUCHER_KEY_FILE"])

    assert json.loads(file.read_text(encoding="ascii")) == public_jwk(home)
    assert not VoucherKey(file).verifies(b"payload", b"\0" * 64)
