"""The tokens under test. Where SoftHSM2 cannot be had, the PKCS#11 half is skipped with a warning, never silently."""

import warnings
from collections.abc import Callable
from pathlib import Path

import PyKCS11
import pytest

from deploy.local.hsm import Settings, install
from tests.partners.mint.benches import Bench, Vault, make_token, software

PyKCS11.CK_OBJECT_HANDLE.__repr__ = object.__repr__
"""Its own asks the token, and crashes once that is closed: a failing test would take the whole run with it."""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A token in SoftHSM2, which is fetched if it is not here yet."""
    if install() is None:
        reason = "SoftHSM2 CANNOT BE INSTALLED HERE: the PKCS#11 token is NOT tested"
        warnings.warn(reason, stacklevel=1)
        pytest.skip(reason)
    return make_token(tmp_path_factory.mktemp("made"))


@pytest.fixture
def vault(tmp_path: Path, made: Settings, monkeypatch: pytest.MonkeyPatch) -> Vault:
    vault = Vault(made, tmp_path)
    monkeypatch.setenv("SOFTHSM2_CONF", str(vault.conf))
    return vault


BENCHES: dict[str, Callable[[pytest.FixtureRequest], Bench]] = {
    "software": lambda request: software(request.getfixturevalue("tmp_path")),
    "pkcs11": lambda request: request.getfixturevalue("vault").within(),
    "pkcs11 in its own process": lambda request: request.getfixturevalue("vault").apart(),
}


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest) -> Bench:
    """Each kind of token in turn."""
    return BENCHES[request.param](request)
