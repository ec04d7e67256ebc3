"""All four services on the engines, as processes that nobody restarts."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from contracts.topics import TOPICS, Kind
from deploy.local.part import SERVICES
from deploy.local.stack import Stack
from tests.support import ServiceProcess, together
from tests.support.groups import skip_backlog

IMPATIENT = {"GATEHOUSE_REPLY_SECONDS": "2.5", "GATEHOUSE_KAFKA_SESSION_SECONDS": "10"}
"""The gateway answers 202 this soon, so that a short outage shows it; sessions are as long as in production."""


@dataclass(frozen=True, slots=True)
class Site:
    """What must still be the same processes after an outage."""

    stack: Stack
    services: tuple[ServiceProcess, ...]

    @property
    def gateway(self) -> ServiceProcess:
        return next(service for service in self.services if service.name == "gateway")


@pytest.fixture(scope="module")
def site(stack: Stack) -> Iterator[Site]:
    for topic in TOPICS:
        if topic.kind in (Kind.COMMAND, Kind.QUERY):
            skip_backlog(stack, topic.name, topic.name)
    with together(*(ServiceProcess(stack, name, env=IMPATIENT) for name in SERVICES)) as services:
        yield Site(stack, services)
