"""Consumer groups, moved past what an earlier test left behind, so that one failing test does not fail the next."""

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from deploy.local import broker
from deploy.local.stack import Stack
from tests.support.waiting import eventually_true

TIMEOUT = 10.0


def skip_backlog(stack: Stack, group: str, topic: str) -> None:
    """Move a group to the end of `topic` if it is behind; waits then until its dead members are forgotten."""
    admin = broker.admin(stack.state)
    partitions = [TopicPartition(topic, p) for p in admin.list_topics(topic, timeout=TIMEOUT).topics[topic].partitions]
    end_of_partition: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    latest = admin.list_offsets(dict.fromkeys(partitions, end_of_partition))
    ends = {tp.partition: end.result(TIMEOUT).offset for tp, end in latest.items()}
    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group, partitions)])
    behind = any(max(tp.offset, 0) < ends[tp.partition] for tp in asked[group].result(TIMEOUT).topic_partitions)
    if behind:
        _move(admin, ConsumerGroupTopicPartitions(group, [TopicPartition(topic, p, end) for p, end in ends.items()]))


def _move(admin: AdminClient, wanted: ConsumerGroupTopicPartitions) -> None:
    def moved() -> bool:
        try:
            admin.alter_consumer_group_offsets([wanted])[wanted.group_id].result(TIMEOUT)
        except KafkaException as error:
            raise AssertionError(str(error)) from error
        return True

    eventually_true(moved, f"the group {wanted.group_id} is empty")
