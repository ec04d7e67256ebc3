"""A service as a process of its own: started, killed, stopped, restarted when it dies, its log read line by line."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import weakref
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Self

import orjson

import deploy
from deploy.local.recipes import MODULES
from deploy.local.stack import Stack
from tests.support.waiting import eventually_true

REPOSITORY = Path(deploy.__file__).resolve().parent.parent
SESSION_SECONDS = "4"
"""So soon Kafka gives the partitions of a process that is gone to another; in production it is more patient."""
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Crash:
    """The file by which `services.wire.crash` is told where to die."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "crash"

    def arm(self, point: str, message_type: str = "") -> None:
        draft = self.file.with_suffix(".new")
        draft.write_text(f"{point} {message_type}".strip())
        draft.replace(self.file)

    @property
    def happened(self) -> bool:
        """The order was carried out: a process unlinks it right before it kills itself."""
        return not self.file.exists()

    def disarm(self) -> None:
        self.file.unlink(missing_ok=True)


class ServiceProcess:
    """`python -m services.<name>` on the settings of a stack; `supervised` starts it again whenever it dies.

    Use it as a context manager: it is ready at the beginning and gone at the end.
    """

    def __init__(
        self,
        stack: Stack,
        service: str,
        *,
        instance: int = 0,
        env: Mapping[str, str] | None = None,
        supervised: bool = False,
        command: tuple[str, ...] = (),
    ) -> None:
        self.name, self.port, self.supervised = service, free_port(), supervised
        self.directory = Path(mkdtemp(prefix=f"gatehouse-{service}-"))
        weakref.finalize(self, shutil.rmtree, self.directory, ignore_errors=True)
        self.crash = Crash(self.directory)
        self.log = self.directory / "log"
        self.starts = 0
        self._command = command or (sys.executable, "-m", MODULES.get(service, f"services.{service}"))
        self._env = self._environment(stack, instance, env or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: threading.Thread | None = None
        self._wanted = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return None if self._process is None else self._process.poll()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, *, wait: bool = True) -> Self:
        self._wanted = True
        self._spawn()
        if self.supervised:
            self._watcher = threading.Thread(target=self._watch, daemon=True)
            self._watcher.start()
        if wait:
            self.wait_ready()
        return self

    def stop(self, seconds: float = 30.0) -> int:
        """SIGTERM and wait; SIGKILL if it does not leave. Returns the exit code."""
        self._wanted = False
        if self._watcher:
            self._watcher.join()
        process = self._process
        if process is None:
            return 0
        process.terminate()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{self.name} did not end within {seconds:.0f} s of SIGTERM") from None

    def kill(self) -> None:
        """SIGKILL; a supervised process comes back."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def readiness(self) -> tuple[int, dict[str, str]]:
        """Status and problems of /readyz; (0, {}) while nobody listens."""
        try:
            with _NO_PROXY.open(f"{self.url}/readyz", timeout=5) as answer:
                return answer.status, orjson.loads(answer.read())["problems"]
        except urllib.error.HTTPError as error:
            return error.code, orjson.loads(error.read())["problems"]
        except OSError:
            return 0, {}

    def wait_ready(self, seconds: float = 40.0) -> None:
        def ready() -> bool:
            assert self.supervised or self.is_alive, f"{self.name} ended with {self.exit_code}:\n{self.tail()}"
            return self.readiness()[0] == 200

        try:
            eventually_true(ready, f"{self.name} ready", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.readiness()}\n{self.tail()}") from error

    def tail(self, lines: int = 30) -> str:
        return b"\n".join(self.log.read_bytes().splitlines()[-lines:]).decode(errors="replace")

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """The log as objects, only those of one event if it is named. A whole line that is not JSON raises."""
        whole, _, _ = self.log.read_bytes().rpartition(b"\n")
        found = [orjson.loads(line) for line in whole.splitlines()]
        return [line for line in found if not event or line["event"] == event]

    def _spawn(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self.directory, env=self._env, stdout=log, stderr=subprocess.STDOUT
            )
        self.starts += 1

    def _watch(self) -> None:
        while self._wanted:
            try:
                assert self._process is not None
                self._process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            if self._wanted:
                self._spawn()

    def _environment(self, stack: Stack, instance: int, changed: Mapping[str, str]) -> dict[str, str]:
        ours = ("GATEHOUSE_", "OTC_", "COVERAGE_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return inherited | {
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONUNBUFFERED": "1",
            "GATEHOUSE_SETTINGS": str(stack.home.settings(self.name)),
            "GATEHOUSE_HTTP_PORT": str(self.port),
            "GATEHOUSE_INSTANCE": str(instance),
            "GATEHOUSE_KAFKA_SESSION_SECONDS": SESSION_SECONDS,
            "GATEHOUSE_CRASH_FILE": str(self.crash.file),
            **changed,
        }
