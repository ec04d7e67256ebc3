"""Consumer groups, moved past what an earlier test left behind, so that one failing test does not fail the next."""

from collections.abc import Callable
from typing import TypeVar

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

from deploy.local import broker
from deploy.local.stack import Stack
from tests.support.waiting import eventually_true

TIMEOUT = 10.0

T = TypeVar("T")


def skip_backlog(stack: Stack, group: str, topic: str) -> None:
    """Move a group to the end of `topic` if it is behind; waits then until its dead members are forgotten."""
    admin = broker.admin(stack.state)
    partitions = [TopicPartition(topic, p) for p in admin.list_topics(topic, timeout=TIMEOUT).topics[topic].partitions]
    end_of_partition: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    latest = admin.list_offsets(dict.fromkeys(partitions, end_of_partition))
    ends = {tp.partition: end.result(TIMEOUT).offset for tp, end in latest.items()}
    group_now = [ConsumerGroupTopicPartitions(group, partitions)]
    held = _patiently(lambda: admin.list_consumer_group_offsets(group_now)[group].result(TIMEOUT), f"{group} is loaded")
    if any(max(tp.offset, 0) < ends[tp.partition] for tp in held.topic_partitions):
        wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, p, end) for p, end in ends.items()])
        _patiently(lambda: admin.alter_consumer_group_offsets([wanted])[group].result(TIMEOUT), f"{group} is empty")


def _patiently(ask: Callable[[], T], what: str) -> T:
    """Ask again while the broker refuses: it is still loading its groups, or waits for members who are gone."""

    def asked() -> T:
        try:
            return ask()
        except KafkaException as error:
            raise AssertionError(str(error)) from error

    return eventually_true(asked, what)
