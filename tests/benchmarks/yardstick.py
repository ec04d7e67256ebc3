"""Runs the monolith beside the stack: its schema, and one uvicorn with one worker or two."""

import http.client
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.ports import LOOPBACK
from deploy.local.state import State
from deploy.local.supervision import REPOSITORY
from tests.benchmarks.monolith.app import METADATA
from tests.benchmarks.monolith.settings import environment
from tests.benchmarks.workload import MONOLITHS

APP = "tests.benchmarks.monolith.app:create"
FLAGS = ("--factory", "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
CONNECTIONS = 16
START_SECONDS = 30


async def create_schema(state: State, schema: str) -> None:
    """A new, empty schema; what an earlier run left is dropped."""
    place = {"server_settings": {"search_path": schema}}
    engine = create_async_engine(state.dsn("postgres", driver="postgresql+asyncpg"), connect_args=place)
    async with engine.begin() as connection:
        await connection.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
        await connection.execute(text(f"CREATE SCHEMA {schema}"))
        await connection.run_sync(METADATA.create_all)
    await engine.dispose()


class Monolith:
    """One uvicorn on a schema of its own; the pool of CONNECTIONS is shared out among its workers."""

    def __init__(self, state: State, schema: str, port: int, log: Path) -> None:
        workers = MONOLITHS[schema]
        self.port = port
        command = (sys.executable, "-m", "uvicorn", APP, *FLAGS, "--port", str(port), "--workers", str(workers))
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                env=environment(state, schema, CONNECTIONS // workers),
                cwd=REPOSITORY,
                stdout=output,
                stderr=output,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the monolith did not start")
            time.sleep(0.1)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
