"""A gateway and the partners service on the engines, as processes that nobody restarts."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from contracts.partners import COMMANDS, QUERIES
from deploy.local.stack import Stack
from tests.support import ServiceProcess
from tests.support.groups import skip_backlog

IMPATIENT = {"GATEHOUSE_REPLY_SECONDS": "2.5"}
"""The gateway answers 202 this soon, so that a short outage shows it."""


@dataclass(frozen=True, slots=True)
class Site:
    """What must still be the same processes after an outage."""

    stack: Stack
    gateway: ServiceProcess
    partners: ServiceProcess

    @property
    def services(self) -> tuple[ServiceProcess, ...]:
        return (self.gateway, self.partners)


@pytest.fixture(scope="module")
def site(stack: Stack) -> Iterator[Site]:
    for topic in (COMMANDS, QUERIES):
        skip_backlog(stack, topic, topic)
    with (
        ServiceProcess(stack, "partners") as partners,
        ServiceProcess(stack, "gateway", instance=3, env=IMPATIENT) as gateway,
    ):
        yield Site(stack, gateway, partners)
