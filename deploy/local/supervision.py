"""The supervisor of the stack: supervisord, steered over a Unix socket only its owner can open.

It restarts what dies and rotates logs. It starts nothing by itself: the order, and the waiting, are in `stack.py`.
"""

import contextlib
import os
import shlex
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import Faults, SupervisorTransport

import deploy
from deploy.local.errors import NotRunning, StackError
from deploy.local.home import Home, write_private
from deploy.local.part import Part

REPOSITORY = Path(deploy.__file__).resolve().parent.parent
RETRIES = 30
HARMLESS = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR")


def write_configuration(home: Home, parts: Iterable[Part]) -> None:
    """One section a part; mode 0600, because environments hold secrets."""
    sections = [_daemon(home), *(_program(home, part) for part in parts)]
    write_private(home.etc / "supervisord.conf", "\n".join(sections))


def start(home: Home) -> None:
    """Run supervisord in the background; returns when its socket answers."""
    command = (sys.executable, "-m", "supervisor.supervisord", "-c", str(home.etc / "supervisord.conf"))
    done = subprocess.run(command, cwd=home.root, env=_clean(), capture_output=True, text=True, check=False)
    deadline = time.monotonic() + 10
    while done.returncode == 0 and time.monotonic() < deadline:
        if is_running(home):
            return
        time.sleep(0.02)
    raise StackError(f"supervisord did not start: {done.stdout}{done.stderr}")


def is_running(home: Home) -> bool:
    """True if somebody answers on the supervisor's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(_socket(home)))
        except OSError:
            return False
    return True


def reload(home: Home) -> None:
    """Read the configuration again; parts that changed or are new are stopped and known anew."""
    with remote(home) as supervisor:
        [[added, changed, removed]] = supervisor.reloadConfig()
        for name in (*changed, *removed):
            supervisor.stopProcessGroup(name)
            supervisor.removeProcessGroup(name)
        for name in (*added, *changed):
            supervisor.addProcessGroup(name)


def info(home: Home) -> dict[str, dict[str, Any]]:
    """What the supervisor knows of each part: `statename`, `pid`, `exitstatus`."""
    with remote(home) as supervisor:
        return {row["name"]: row for row in supervisor.getAllProcessInfo()}


def start_part(home: Home, name: str) -> None:
    """Start it if it does not run; does not wait until it is ready."""
    with remote(home) as supervisor, _already(Faults.ALREADY_STARTED):
        supervisor.startProcess(name, False)


def stop_part(home: Home, name: str) -> None:
    """Stop it gracefully and wait until its process is gone."""
    with remote(home) as supervisor, _already(Faults.NOT_RUNNING):
        supervisor.stopProcess(name, True)


def shut_down(home: Home, groups: Iterable[Iterable[str]]) -> None:
    """Stop the parts group after group, then the supervisor, and wait until its process is gone."""
    with remote(home) as supervisor:
        daemon = psutil.Process(supervisor.getPID())
        for group in groups:
            _stop_together(home, group)
        supervisor.shutdown()
    daemon.wait(60)


def _stop_together(home: Home, names: Iterable[str]) -> None:
    """Those that it knows: a supervisor that an older version started has never heard of the newest part."""
    with remote(home) as supervisor:
        wanted = set(names) & {row["name"] for row in supervisor.getAllProcessInfo()}
        for name in wanted:
            with _already(Faults.NOT_RUNNING):
                supervisor.stopProcess(name, False)
        while any(row["pid"] for row in supervisor.getAllProcessInfo() if row["name"] in wanted):
            time.sleep(0.05)


@contextlib.contextmanager
def _already(harmless: int) -> Any:
    try:
        yield
    except xmlrpc.client.Fault as fault:
        if fault.faultCode != harmless:
            raise


@contextlib.contextmanager
def remote(home: Home) -> Any:
    """The supervisor's XML-RPC interface."""
    transport = SupervisorTransport(None, None, f"unix://{_socket(home)}")
    try:
        yield xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor
    except (ConnectionError, FileNotFoundError) as error:
        raise NotRunning(f"no stack is running in {home.root}") from error
    except xmlrpc.client.Fault as fault:
        raise StackError(f"the supervisor refused: {fault.faultString}") from fault
    finally:
        transport.close()


def _socket(home: Home) -> Path:
    return home.run / "supervisor.sock"


def _daemon(home: Home) -> str:
    root = "user=root\n" if os.geteuid() == 0 else ""
    socket_path, log, pid = (_escape(p) for p in (_socket(home), home.log("supervisord"), home.run / "supervisord.pid"))
    return (
        f"[unix_http_server]\nfile={socket_path}\nchmod=0700\n\n"
        f"[supervisord]\n{root}logfile={log}\npidfile={pid}\numask=077\nidentifier=gatehouse\n\n"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
    )


def _program(home: Home, part: Part) -> str:
    whole = str(part.whole_group).lower()
    settings: dict[str, object] = {
        "command": _escape(shlex.join(part.command)),
        "directory": _escape(part.directory),
        "environment": _environment(part.environment),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": 1,
        "startretries": RETRIES,
        "stopsignal": part.stop_signal,
        "stopwaitsecs": part.stop_seconds,
        "stopasgroup": whole,
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": _escape(_escape(home.log(part.name))),  # supervisord expands this one twice
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": 3,
    }
    if part.user:
        settings["user"] = part.user
    return f"[program:{part.name}]\n" + "".join(f"{key}={value}\n" for key, value in settings.items())


def _clean() -> dict[str, str]:
    """The caller's environment without what could steer a part: its settings come from its own file."""
    kept = {name: value for name, value in os.environ.items() if name in HARMLESS}
    return kept | {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}


def _environment(values: dict[str, str]) -> str:
    """supervisord hands its own environment on; these values come on top."""
    return ",".join(f'{key}="{_escape(value)}"' for key, value in values.items())


def _escape(value: object) -> str:
    return str(value).replace("%", "%%")
