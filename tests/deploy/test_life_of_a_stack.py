"""A part that dies is restarted; data survives; two stacks run side by side; `down` leaves no process behind."""

import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from deploy.local import objects
from deploy.local.errors import NotRunning
from deploy.local.home import Home
from deploy.local.part import ENGINES
from deploy.local.ports import LOOPBACK
from deploy.local.stack import Stack
from deploy.local.state import DOCUMENTS

EVENT = b'{"kept": true}'


@pytest.fixture(scope="module")
def beside() -> Iterator[Stack]:
    """A stack of its own, beside the one of the session."""
    home = Path(tempfile.mkdtemp(prefix="gatehouse-second-"))
    stack = Stack(home)
    try:
        yield stack
    finally:
        stack.down()
        shutil.rmtree(home)


@pytest.fixture
def second(beside: Stack) -> Stack:
    """The same, running, however the test before left it."""
    beside.up(only_engines=True)
    return beside


def processes_of(stack: Stack) -> list[psutil.Process]:
    parents = [psutil.Process(stack.pid_of(name)) for name in ENGINES]
    return [process for parent in parents for process in (parent, *parent.children(recursive=True))]


def until_restarted(stack: Stack, name: str, killed: int) -> None:
    """The supervisor notices in its own time."""
    deadline = time.monotonic() + 20
    while stack.pid_of(name) in {None, killed}:
        assert time.monotonic() < deadline, f"{name} was not restarted"
        time.sleep(0.05)
    stack.wait_ready(name)


def client(stack: Stack, principal: str) -> dict[str, str]:
    login = stack.state.kafka(principal)
    return {
        "bootstrap.servers": login["bootstrap"],
        "security.protocol": login["security_protocol"],
        "sasl.mechanism": login["sasl_mechanism"],
        "sasl.username": login["username"],
        "sasl.password": login["password"],
    }


def publish(stack: Stack) -> None:
    failures: list[object] = []
    producer = Producer(client(stack, "partners") | {"acks": "all"})
    producer.produce("partner.approved", EVENT, partition=0, on_delivery=lambda error, _: failures.append(error))
    producer.flush(20)
    assert failures == [None]


def committed_and_read(stack: Stack) -> tuple[int, bytes | None]:
    """Read the first event as `downstream`, commit, and report the committed offset and the value."""
    consumer = Consumer(client(stack, "downstream") | {"group.id": "downstream.life", "enable.auto.commit": "false"})
    place = TopicPartition("partner.approved", 0, 0)
    consumer.assign([place])
    message = consumer.poll(20)
    assert message is not None
    consumer.commit(message=message, asynchronous=False)
    [stored] = consumer.committed([place], timeout=20)
    consumer.close()
    return stored.offset, message.value()


@pytest.mark.parametrize("name", ENGINES)
def test_a_killed_part_is_restarted_and_becomes_ready(stack: Stack, name: str) -> None:
    killed = stack.pid_of(name)
    assert killed is not None

    os.kill(killed, signal.SIGKILL)

    until_restarted(stack, name, killed)


def test_a_stopped_part_stays_stopped_until_it_is_started(stack: Stack) -> None:
    process = psutil.Process(stack.pid_of("sms"))

    stack.stop_part("sms")
    assert not process.is_running()
    assert not stack.is_ready("sms")

    stack.start_part("sms")
    assert stack.is_ready("sms")


async def test_data_topics_offsets_and_addresses_survive_down_and_up(second: Stack) -> None:
    publish(second)
    before = committed_and_read(second)
    objects.client(second.state).put_object(Bucket=DOCUMENTS, Key="kept", Body=EVENT)
    admin = await asyncpg.connect(second.state.admin_dsn)
    await admin.execute("CREATE TABLE public.kept AS SELECT 42 AS answer")
    await admin.close()
    remembered, processes = second.state, processes_of(second)

    second.down()
    assert [process for process in processes if process.is_running()] == []
    assert not second.is_running
    second.up(only_engines=True)

    assert second.state == remembered
    assert committed_and_read(second) == before == (1, EVENT)
    assert objects.client(second.state).get_object(Bucket=DOCUMENTS, Key="kept")["Body"].read() == EVENT
    admin = await asyncpg.connect(second.state.admin_dsn)
    assert await admin.fetchval("SELECT answer FROM public.kept") == 42
    await admin.close()


def test_ports_taken_by_somebody_else_meanwhile_are_replaced_and_data_is_still_there(second: Stack) -> None:
    objects.client(second.state).put_object(Bucket=DOCUMENTS, Key="kept", Body=EVENT)
    publish(second)
    second.down()
    before = second.state.ports
    taken = ("kafka", "kafka_controller", "postgres", "master", "volume", "filer_grpc", "oidc")
    squatters = [socket.create_server((LOOPBACK, before[name])) for name in taken]

    second.up(only_engines=True)

    for squatter in squatters:
        squatter.close()
    assert {name for name, port in second.state.ports.items() if port != before[name]} == set(taken)
    assert objects.client(second.state).get_object(Bucket=DOCUMENTS, Key="kept")["Body"].read() == EVENT
    assert committed_and_read(second) == (1, EVENT)


def test_parts_whose_supervisor_was_killed_are_ended_before_the_next_start(second: Stack) -> None:
    orphans = processes_of(second)
    supervisor = psutil.Process(second.pid_of("sms")).parent()
    assert supervisor is not None
    supervisor.kill()
    supervisor.wait(10)

    second.up(only_engines=True)

    assert [process for process in orphans if process.is_running()] == []
    assert all(second.is_ready(name) for name in ENGINES)


def test_two_stacks_share_no_port_and_stopping_one_leaves_the_other(stack: Stack, second: Stack) -> None:
    assert not set(stack.state.ports.values()) & set(second.state.ports.values())

    second.down()

    assert all(stack.is_ready(name) for name in ENGINES)


def test_stopping_a_part_of_a_stack_that_is_down_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotRunning):
        Stack(tmp_path).stop_part("kafka")


def test_a_home_with_a_long_path_still_has_room_for_its_sockets(tmp_path: Path) -> None:
    home = Home(tmp_path / ("deep" * 30))

    home.prepare()

    assert len(str(home.run / "supervisor.sock")) < 107
    assert home.run.stat().st_mode & 0o077 == 0
    shutil.rmtree(home.run)
