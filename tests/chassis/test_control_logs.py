"""What a row that PostgreSQL refuses tells the log, and the control of `test_logs`: a service that logs bodies."""

import pytest

from deploy.local.stack import Stack
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.controls import command as control
from tests.support import Applicant, Bus, ServiceProcess
from tests.support.people import partner_admin

pytestmark = [ONE_LOOP, pytest.mark.usefixtures("quiet")]
NAME = "Canary Zwitschermann"


async def test_a_row_that_the_database_refuses_is_not_told_to_the_log(stack: Stack, bus: Bus) -> None:
    """PostgreSQL quotes the failing row in its error; the log may have the constraint, not the row."""
    with ServiceProcess(stack, "partners", command=control("refused-row")) as service:
        application = await Applicant(stack, name=NAME).prepare(bus)
        answer = await bus.ask(application.command, application.actor)

        assert answer.status == 500
        assert service.lines("command.broke")
        assert not [line for line in service.log.read_text().splitlines() if "Zwitschermann" in line]


async def test_a_canary_that_sings_is_heard(stack: Stack, bus: Bus) -> None:
    """Control: a service that logs what it is told fails that comparison."""
    with ServiceProcess(stack, "partners", command=control("chatty")) as service:
        application = await Applicant(stack, name=NAME).prepare(bus)
        answer = await bus.ask(application.command, partner_admin(stack))

        assert answer.status == 422
        assert "Zwitschermann" in service.log.read_text()
