"""A home makes its voucher key once, keeps it in files of its own, and never changes from one kind to the other."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local import hsm, softhsm
from deploy.local.errors import NoVoucherKey
from deploy.local.home import Home
from services.partners.mint.token import from_jwk, verify
from tests.support.process import REPOSITORY

PIN = "0123456789abcdef"
Make = Callable[[Home], hsm.Settings]

IN_A_PROCESS = """
import os, sys
from deploy.local.home import Home
from deploy.local.hsm import prepare
before = dict(os.environ)
prepare(Home.at(sys.argv[1]), "0123456789abcdef")
assert dict(os.environ) == before
print("softhsm" in open("/proc/self/maps").read())
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture
def no_softhsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the system nor in the cache, and nothing to fetch it with."""
    monkeypatch.setattr(softhsm, "SYSTEM", tmp_path)
    monkeypatch.setenv("GATEHOUSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "")


@pytest.fixture
def with_softhsm() -> None:
    if softhsm.install() is None:
        pytest.skip("SoftHSM2 CANNOT BE INSTALLED HERE: the token of a home is NOT tested")


@pytest.fixture(params=["with_softhsm", "no_softhsm"])
def kind(request: pytest.FixtureRequest) -> str:
    """A home's key in SoftHSM, then in a file."""
    request.getfixturevalue(request.param)
    return {"with_softhsm": "pkcs11", "no_softhsm": "software"}[request.param]


def key_files(home: Home) -> dict[Path, bytes]:
    """All files that hold a key; `token.object` holds the login flags, which SoftHSM writes at each login."""
    kept = (path for path in home.data("mint").rglob("*") if path.suffix in {".object", ".pem"})
    return {path: path.read_bytes() for path in kept if path.name != "token.object"}


def test_the_settings_build_a_token_of_the_published_key(home: Home, kind: str) -> None:
    settings = hsm.prepare(home, PIN)
    token = hsm.token_of(settings)

    signature = token.sign(b"voucher")
    token.close()

    assert settings["GATEHOUSE_HSM_KIND"] == token.kind == kind
    assert verify(from_jwk(hsm.public_jwk(home)), b"voucher", signature)


def test_the_settings_are_those_that_services_know(home: Home, kind: str) -> None:
    names = {
        "pkcs11": {f"GATEHOUSE_HSM_{name}" for name in ("KIND", "MODULE", "TOKEN", "KEY", "PIN")} | {"SOFTHSM2_CONF"},
        "software": {"GATEHOUSE_HSM_KIND", "GATEHOUSE_HSM_KEY_FILE"},
    }

    settings = hsm.prepare(home, PIN)

    assert set(settings) == names[kind]
    assert "\n" not in "".join(settings.values())


def test_preparing_again_changes_nothing(home: Home, kind: str) -> None:
    settings, jwk, files = hsm.prepare(home, PIN), hsm.public_jwk(home), key_files(home)

    for _ in range(2):
        assert hsm.prepare(home, PIN) == settings

    assert hsm.public_jwk(home) == jwk
    assert key_files(home) == files
    assert files


def test_two_homes_have_two_keys(home: Home, kind: str, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other.prepare()

    hsm.prepare(home, PIN)
    hsm.prepare(other, PIN)

    assert hsm.public_jwk(home) != hsm.public_jwk(other)


def test_nobody_else_can_look_at_the_key(home: Home, kind: str) -> None:
    hsm.prepare(home, PIN)

    places = [home.data("mint"), *home.data("mint").rglob("*"), home.etc / "voucher_key.json"]
    assert {path.name: oct(path.stat().st_mode) for path in places if path.stat().st_mode & 0o077} == {}
    assert home.data("mint").stat().st_mode & 0o777 == 0o700


def test_a_public_key_that_was_deleted_is_written_again(home: Home, kind: str) -> None:
    hsm.prepare(home, PIN)
    jwk = hsm.public_jwk(home)
    (home.etc / "voucher_key.json").unlink()

    hsm.prepare(home, PIN)

    assert hsm.public_jwk(home) == jwk


def test_another_key_in_the_same_place_is_noticed(home: Home, kind: str) -> None:
    hsm.prepare(home, PIN)
    shutil.rmtree(home.data("mint"))

    with pytest.raises(NoVoucherKey, match="is not the one"):
        hsm.prepare(home, PIN)


def test_a_home_that_was_moved_keeps_its_key(home: Home, kind: str, tmp_path: Path) -> None:
    hsm.prepare(home, PIN)
    jwk = hsm.public_jwk(home)
    moved = Home(home.root.rename(tmp_path / "moved"))

    settings = hsm.prepare(moved, PIN)

    token = hsm.token_of(settings)
    assert verify(from_jwk(jwk), b"voucher", token.sign(b"voucher"))
    token.close()


def test_a_software_token_is_never_used_silently(
    home: Home, no_softhsm: None, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        hsm.prepare(home, PIN)
        assert "signed by a software token, not by SoftHSM2" in capfd.readouterr().err


def test_a_home_with_a_software_token_keeps_it_when_softhsm_arrives(
    home: Home, with_softhsm: None, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as without:
        without.setattr(softhsm, "SYSTEM", tmp_path)
        without.setenv("GATEHOUSE_CACHE", str(tmp_path / "cache"))
        before = hsm.prepare(home, PIN)

    assert hsm.prepare(home, PIN) == before
    assert before["GATEHOUSE_HSM_KIND"] == "software"


def test_a_home_whose_softhsm_is_gone_says_so_and_makes_no_other_key(
    home: Home, with_softhsm: None, request: pytest.FixtureRequest
) -> None:
    hsm.prepare(home, PIN)
    files = key_files(home)
    request.getfixturevalue("no_softhsm")

    with pytest.raises(NoVoucherKey, match="SoftHSM2 is not installed"):
        hsm.prepare(home, PIN)

    assert key_files(home) == files


def test_another_pin_is_refused_and_the_right_one_works_afterwards(home: Home, with_softhsm: None) -> None:
    settings = hsm.prepare(home, PIN)

    with pytest.raises(NoVoucherKey, match="does not take the PIN"):
        hsm.prepare(home, "another pin")

    assert hsm.prepare(home, PIN) == settings


def test_a_token_left_half_made_is_made_anew(home: Home, with_softhsm: None) -> None:
    """Killed between the token and its key: what is not whole is not in place yet."""
    hsm.prepare(home, PIN)
    tokens = home.data("mint") / "tokens"
    tokens.rename(tokens.with_name("tokens.new"))
    for half in tokens.with_name("tokens.new").rglob("*.object"):
        half.write_bytes(half.read_bytes()[:40])
    (home.etc / "voucher_key.json").unlink()

    token = hsm.token_of(hsm.prepare(home, PIN))

    assert verify(from_jwk(hsm.public_jwk(home)), b"voucher", token.sign(b"voucher"))
    assert len(list(tokens.iterdir())) == 1
    assert not tokens.with_name("tokens.new").exists()
    token.close()


def test_the_library_and_its_settings_stay_out_of_the_command_line_tool(home: Home, with_softhsm: None) -> None:
    command = [sys.executable, "-c", IN_A_PROCESS, str(home.root)]

    done = subprocess.run(command, cwd=REPOSITORY, env=os.environ, capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
    assert json.loads((home.etc / "voucher_key.json").read_text())["crv"] == "P-256"


def test_a_library_that_makes_no_token_is_said(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hsm, "installed", lambda: tmp_path / "nowhere.so")

    with pytest.raises(NoVoucherKey, match=r"no token could be made with .*nowhere\.so"):
        hsm.prepare(home, PIN)

    assert key_files(home) == {}
