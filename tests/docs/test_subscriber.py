"""The documented subscriber, run as a downstream team would run it."""

import os
import subprocess
import sys
from pathlib import Path

from deploy.local.stack import Stack
from tests.support import Applicant, Bus, ServiceProcess, eventually

SCRIPT = Path(__file__).parents[2] / "docs" / "subscriber.py"


async def test_a_downstream_team_reads_events_with_the_topic_and_the_schema_alone(stack: Stack, tmp_path: Path) -> None:
    known = stack.state.kafka("downstream")
    env = {
        **os.environ,
        "KAFKA_BOOTSTRAP": known["bootstrap"],
        "KAFKA_USERNAME": known["username"],
        "KAFKA_PASSWORD": known["password"],
    }
    output = tmp_path / "events"
    with output.open("wb") as sink:
        subscriber = subprocess.Popen(
            [sys.executable, SCRIPT, "partner.submitted"], env=env, stdout=sink, stderr=subprocess.DEVNULL
        )
    try:
        with ServiceProcess(stack, "partners"):
            async with Bus.of(stack) as bus:
                application = await Applicant(stack).prepare(bus)
                answer = await bus.ask(application.command, application.actor)

        assert answer.status == 201
        expected = f"partner.submitted {application.partner_id} v1"
        await eventually(lambda: expected in output.read_text(), "the subscriber prints the event")
    finally:
        subscriber.terminate()
        subscriber.wait(20)


def test_the_documented_subscriber_is_short() -> None:
    assert len(SCRIPT.read_text().splitlines()) <= 30
