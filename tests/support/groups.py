"""Consumer groups, moved past what an earlier test left behind, so that one failing test does not fail the next."""

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

from deploy.local import broker
from deploy.local.stack import Stack
from tests.support.waiting import eventually_true

TIMEOUT = 10.0


def skip_backlog(stack: Stack, group: str, topic: str) -> None:
    """Move the offsets of a group without members to the end of `topic`; waits until its dead members are forgotten."""
    admin = broker.admin(stack.state)
    partitions = admin.list_topics(topic, timeout=TIMEOUT).topics[topic].partitions
    latest = admin.list_offsets({TopicPartition(topic, p): OffsetSpec.latest() for p in partitions})
    ends = [TopicPartition(tp.topic, tp.partition, end.result(TIMEOUT).offset) for tp, end in latest.items()]
    wanted = ConsumerGroupTopicPartitions(group, ends)

    def moved() -> bool:
        try:
            admin.alter_consumer_group_offsets([wanted])[group].result(TIMEOUT)
        except KafkaException as error:
            raise AssertionError(str(error)) from error
        return True

    eventually_true(moved, f"the group {group} is empty")
