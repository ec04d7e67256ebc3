"""SoftHSM2 comes from the system or from Debian's packages; where it cannot be had, that is said."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest

from deploy.local import softhsm
from tests.support.process import REPOSITORY

FAILING = """#!/bin/sh
echo "Reading package lists..." >&2
echo "E: Unable to locate package libsofthsm2" >&2
exit 100
"""


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system without SoftHSM2 and without any program; returns its root."""
    root = tmp_path / "system"
    (root / "bin").mkdir(parents=True)
    monkeypatch.setattr(softhsm, "SYSTEM", root)
    monkeypatch.setenv("PATH", str(root / "bin"))
    return root


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def library() -> Path:
    """The real one; what must be said where there is none is said by the tests below."""
    found = softhsm.install()
    if found is None:
        pytest.skip("SoftHSM2 CANNOT BE INSTALLED HERE: its use is NOT tested")
    return found


def put(library: Path | None, place: Path) -> Path:
    """A library in that directory: the real one, or rubbish."""
    place.mkdir(parents=True)
    file = place / softhsm.LIBRARY
    if library:
        shutil.copy(library, file)
    else:
        file.write_text("rubbish")
    return file


def program(root: Path, name: str, text: str = FAILING) -> None:
    path = root / "bin" / name
    path.write_text(text)
    path.chmod(0o755)


def test_the_systems_own_library_is_used_before_the_caches(bare: Path, cache: Path, library: Path) -> None:
    system = put(library, bare / "usr/lib/x86_64-linux-gnu/softhsm")
    put(library, cache / "softhsm/usr/lib/x86_64-linux-gnu/softhsm")

    assert softhsm.install(cache) == system


def test_what_is_in_the_cache_is_used_without_any_program(bare: Path, cache: Path, library: Path) -> None:
    cached = put(library, cache / "softhsm/usr/lib/x86_64-linux-gnu/softhsm")

    assert softhsm.install(cache) == cached


def test_a_library_that_does_not_load_is_passed_over(bare: Path, cache: Path, library: Path) -> None:
    put(None, bare / "usr/lib/softhsm")
    cached = put(library, cache / "softhsm/usr/lib/aarch64-linux-gnu/softhsm")

    assert softhsm.installed(cache) == cached


def test_without_apt_there_is_none_and_the_reason_is_said_in_one_line(
    bare: Path, cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert softhsm.install(cache) is None

    said = "SoftHSM2 cannot be installed here (no apt-get): a software token signs vouchers\n"
    assert capfd.readouterr() == ("", said)


def test_what_apt_said_last_is_the_reason(bare: Path, cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program(bare, "apt-get")
    program(bare, "dpkg")

    assert softhsm.install(cache) is None

    said = (
        "SoftHSM2 cannot be installed here (E: Unable to locate package libsofthsm2): a software token signs vouchers\n"
    )
    assert capfd.readouterr() == ("", said)
    assert list(cache.iterdir()) == []


@pytest.fixture(scope="module")
def fetched() -> Iterator[Path]:
    """A cache that somebody who is not root fetched the package into."""
    place = Path(tempfile.mkdtemp(prefix="gatehouse-softhsm-"))
    worker = get_context("fork").Process(target=fetch_without_root, args=(place,))
    worker.start()
    worker.join()
    if worker.exitcode:
        skip_unless_reachable(place / "mine")
    yield place
    shutil.rmtree(place)


def fetch_without_root(place: Path) -> None:
    """On a machine whose own package lists are empty, as they are in images."""
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(place, nobody.pw_uid, nobody.pw_gid)
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
    no_lists = place / "apt.conf"
    no_lists.write_text(f'Dir::State::Lists "{place / "nowhere"}";')
    os.environ["APT_CONFIG"] = str(no_lists)
    softhsm.fetch(place)
    no_lists.unlink()


def skip_unless_reachable(place: Path) -> None:
    """It did not work without root; that is no fault of ours only if it does not work at all."""
    try:
        softhsm.fetch(place)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"DEBIAN'S PACKAGES CANNOT BE REACHED HERE, fetching is NOT tested: {error}")


def test_it_is_fetched_without_being_root(fetched: Path, bare: Path) -> None:
    found = softhsm.installed(fetched)

    assert found is not None
    assert found.stat().st_uid != 0
    assert [path.name for path in fetched.iterdir()] == ["softhsm"]


def test_fetching_again_replaces_what_is_there(fetched: Path, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [broken] = [path for path in fetched.rglob(softhsm.LIBRARY) if not path.is_symlink()]
    broken.write_text("rubbish")
    monkeypatch.undo()

    found = softhsm.install(fetched)
    assert found
    assert found.read_bytes()[:4] == b"\x7fELF"


@pytest.mark.parametrize("here", [True, False], ids=["as it is here", "without any program"])
def test_the_make_target_never_fails_and_always_says_which_token(*, here: bool, tmp_path: Path) -> None:
    environment = os.environ | ({} if here else {"PATH": "", "GATEHOUSE_CACHE": str(tmp_path)})
    command = [sys.executable, "-m", "deploy.local.hsm", "install"]

    done = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert "SoftHSM2" in done.stdout + done.stderr
