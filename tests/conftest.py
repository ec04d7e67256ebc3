"""One stack of real engines for the whole run."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.broker import MORE_JVM
from deploy.local.stack import Stack
from services.wire import telemetry

BRIEF = "-XX:TieredStopAtLevel=1"
"""Our brokers live for minutes: the optimising compiler takes more time than it would save them."""


@pytest.fixture(autouse=True, scope="session")
def plain_logs() -> None:
    """As the services log; structlog's own default draws tracebacks for seconds."""
    telemetry.configure("tests", 0)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Engines without services, in a new home that is removed afterwards.

    Not below pytest's own directory: pytest makes that private again at each start, and as root PostgreSQL's own user
    must be able to pass. With GATEHOUSE_TEST_HOME a stack that is up already is used and left up.
    """
    reused = os.environ.get("GATEHOUSE_TEST_HOME")
    os.environ.setdefault(MORE_JVM, BRIEF)
    home = Path(reused) if reused else Path(tempfile.mkdtemp(prefix="gatehouse-test-"))
    running = Stack(home)
    try:
        running.up(only_engines=True)
        yield running
    finally:
        if not reused:
            running.down()
            shutil.rmtree(home)
