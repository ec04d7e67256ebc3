"""The tokens under test. Where SoftHSM2 cannot be had, the PKCS#11 half is skipped with a warning, never silently."""

import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from deploy.local.softhsm import install
from tests.partners.mint.benches import Bench, Vault, software


@cache
def softhsm() -> Path | None:
    return install()


@pytest.fixture
def library() -> Path:
    """SoftHSM2, fetched if it is not here yet."""
    found = softhsm()
    if found is None:
        reason = "SoftHSM2 CANNOT BE INSTALLED HERE: the PKCS#11 token is NOT tested"
        warnings.warn(reason, stacklevel=1)
        pytest.skip(reason)
    return found


@pytest.fixture
def vault(tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch) -> Vault:
    vault = Vault(tmp_path, library)
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
