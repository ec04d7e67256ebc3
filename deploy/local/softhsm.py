"""SoftHSM2, the PKCS#11 module of development: the system's own, else Debian's package in the shared cache.

`apt-get` checks the package against the signatures of the person's own sources, as it would for an installation, but
keeps its lists in a scratch directory: nothing of the system is changed, and nobody needs to be root.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.local.jars import cache_directory

PACKAGE = "libsofthsm2"
LIBRARY = "libsofthsm2.so"
PLACES = ("usr/lib/*/softhsm", "usr/lib/softhsm", "usr/lib64/softhsm", "usr/lib64/pkcs11")
SYSTEM = Path("/")
SECONDS = 180


def installed(cache: Path | None = None) -> Path | None:
    """The first library that can be loaded here: the system's before the cache's."""
    roots = (SYSTEM, (cache or cache_directory()) / "softhsm")
    found = (path for root in roots for place in PLACES for path in sorted(root.glob(f"{place}/{LIBRARY}")))
    return next(filter(_loads, found), None)


def install(cache: Path | None = None) -> Path | None:
    """The library, fetched if need be; None where that cannot be done, which is said on stderr with the reason."""
    cache = cache or cache_directory()
    try:
        return installed(cache) or _fetched(cache)
    except (OSError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"SoftHSM2 cannot be installed here ({_reason(error)}): a software token signs vouchers\n")
        return None


def fetch(cache: Path) -> None:
    """Debian's package, unpacked into the cache; whether the library loads here is another question."""
    for tool in ("apt-get", "dpkg"):
        if shutil.which(tool) is None:
            raise FileNotFoundError(f"no {tool}")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="softhsm-") as name:
        scratch = Path(name)
        _download(scratch)
        [package] = scratch.glob("*.deb")
        _run("dpkg", "-x", str(package), str(scratch / "root"))
        _keep(scratch / "root", cache / "softhsm")


def _fetched(cache: Path) -> Path:
    fetch(cache)
    found = installed(cache)
    if found is None:
        raise FileNotFoundError("the library of Debian's package does not load")
    return found


def _loads(library: Path) -> bool:
    """In a process of its own: what a library does when it is loaded is its own business."""
    load = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"
    done = subprocess.run([sys.executable, "-ISc", load, library], capture_output=True, check=False, timeout=SECONDS)
    return done.returncode == 0


def _download(scratch: Path) -> None:
    """Sources that fail do not matter as long as one has the package."""
    own = {
        "Dir::State::Lists": scratch / "lists",
        "Dir::Cache": scratch / "cache",
        "APT::Sandbox::User": "root",  # as root it would become another user, who may not write here
        "Acquire::Languages": "none",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    }
    for directory in (scratch / "lists", scratch / "cache"):
        directory.mkdir()
    options = [word for key, value in own.items() for word in ("-o", f"{key}={value}")]
    _run("apt-get", *options, "update", check=False)
    _run("apt-get", *options, "download", PACKAGE, directory=scratch)


def _keep(root: Path, place: Path) -> None:
    """By one rename; whoever else fetched it at the same time may win."""
    shutil.rmtree(place, ignore_errors=True)
    try:
        root.rename(place)
    except OSError:
        if not place.exists():
            raise


def _run(*command: str, directory: Path | None = None, check: bool = True) -> None:
    environment = os.environ | {"LC_ALL": "C"}
    subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=check, timeout=SECONDS
    )


def _reason(error: Exception) -> str:
    """One line: what the tool said last, else what went wrong."""
    said = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else ""
    return str(said or error).splitlines()[-1]
