"""What was handled is deleted from its topic, and what is still to be handled never is."""

import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from contracts.topics import DAY_MS, Kind, Topic
from deploy import kafka
from deploy.local import broker
from deploy.local.stack import Stack
from deploy.trimming import REPLY_SECONDS, trim


def a_topic(kind: Kind) -> Topic:
    name = f"scratch.{uuid4().hex[:8]}"
    return Topic(name, kind, "partners", ("partners",), ("partners",), "id", partitions=2, retention_ms=DAY_MS)


class Cluster:
    """The broker as its administrator uses it, who may read and write everywhere."""

    def __init__(self, stack: Stack) -> None:
        self.admin: AdminClient = broker.admin(stack.state)
        known = stack.state.kafka("admin")
        self._client = {
            "bootstrap.servers": known["bootstrap"],
            "security.protocol": known["security_protocol"],
            "sasl.mechanism": known["sasl_mechanism"],
            "sasl.username": known["username"],
            "sasl.password": known["password"],
        }
        self.made: list[str] = []

    def create(self, topic: Topic) -> Topic:
        kafka.apply_topics(self.admin, [topic])
        self.made.append(topic.name)
        return topic

    def write(self, topic: Topic, *values: str, age: float = 0) -> None:
        """To its first partition, as if it had been `age` seconds ago."""
        producer = Producer(self._client)
        for value in values:
            producer.produce(topic.name, value, partition=0, timestamp=int((time.time() - age) * 1000))
        assert producer.flush(30) == 0

    def commit(self, topic: Topic, offset: int) -> None:
        """As the owner's lane does, whose group is named like it."""
        consumer = Consumer({**self._client, "group.id": topic.name, "enable.auto.commit": False})
        consumer.commit(offsets=[TopicPartition(topic.name, 0, offset)], asynchronous=False)
        consumer.close()

    def read(self, topic: Topic) -> list[str]:
        """All that can still be read of its first partition."""
        consumer = Consumer({**self._client, "group.id": f"reader.{uuid4()}", "enable.auto.commit": False})
        first, last = consumer.get_watermark_offsets(TopicPartition(topic.name, 0), timeout=30)
        consumer.assign([TopicPartition(topic.name, 0, first)])
        found = [consumer.poll(30) for _ in range(last - first)]
        consumer.close()
        return [(message.value() or b"").decode() for message in found if message]


@pytest.fixture
def cluster(stack: Stack) -> Iterator[Cluster]:
    cluster = Cluster(stack)
    yield cluster
    cluster.admin.delete_topics(cluster.made, operation_timeout=10)


@pytest.mark.parametrize("kind", [Kind.COMMAND, Kind.QUERY])
def test_a_lane_loses_what_its_owner_has_handled_and_nothing_else(cluster: Cluster, kind: Kind) -> None:
    lane = cluster.create(a_topic(kind))
    cluster.write(lane, *"abcdef")
    cluster.commit(lane, 4)

    deleted, again = trim(cluster.admin, [lane], time.time()), trim(cluster.admin, [lane], time.time())

    assert (deleted, again) == ({lane.name: 4}, {lane.name: 0})
    assert cluster.read(lane) == ["e", "f"], "its owner lags, and finds what it has not seen"


def test_a_lane_that_nobody_reads_loses_nothing(cluster: Cluster) -> None:
    lane = cluster.create(a_topic(Kind.COMMAND))
    cluster.write(lane, *"abc")

    assert trim(cluster.admin, [lane], time.time()) == {lane.name: 0}
    assert cluster.read(lane) == ["a", "b", "c"]


def test_replies_go_once_nobody_can_wait_for_them(cluster: Cluster) -> None:
    replies = cluster.create(a_topic(Kind.REPLY))
    cluster.write(replies, "old", "older", age=REPLY_SECONDS + 60)
    cluster.write(replies, "awaited")

    assert trim(cluster.admin, [replies], time.time()) == {replies.name: 2}
    assert cluster.read(replies) == ["awaited"]
    assert trim(cluster.admin, [replies], time.time() + REPLY_SECONDS + 60) == {replies.name: 1}


def test_events_are_never_trimmed(cluster: Cluster) -> None:
    events = cluster.create(a_topic(Kind.EVENT))
    cluster.write(events, "told", age=REPLY_SECONDS + 60)
    cluster.commit(events, 1)

    assert trim(cluster.admin, [events], time.time()) == {}
    assert cluster.read(events) == ["told"]
