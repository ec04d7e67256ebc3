"""Consumer groups, moved past what an earlier test left behind, so that one failing test does not fail the next.

Asked as a member that never joins, not by the administrator's client: its ListConsumerGroupOffsets ends the whole
process (SIGSEGV in librdkafka's rd_kafka_handle_OffsetFetch) while the broker is still loading its groups.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaException, TopicPartition

from deploy.local.stack import Stack
from tests.support.waiting import eventually_true

TIMEOUT = 10.0


def skip_backlog(stack: Stack, group: str, topic: str) -> None:
    """Move a group to the end of `topic` if it is behind; waits then until its dead members are forgotten."""
    with _onlooker(stack, group) as consumer:
        eventually_true(lambda: _skipped(consumer, topic), f"the group {group} is at the end of {topic}")


def _skipped(consumer: Consumer, topic: str) -> bool:
    """What the broker cannot do yet (a member is left, the group is being loaded) counts as "not yet"."""
    try:
        numbers = consumer.list_topics(topic, timeout=TIMEOUT).topics[topic].partitions
        partitions = [TopicPartition(topic, number) for number in numbers]
        ends = {tp.partition: consumer.get_watermark_offsets(tp, timeout=TIMEOUT)[1] for tp in partitions}
        known = {tp.partition: max(tp.offset, 0) for tp in consumer.committed(partitions, timeout=TIMEOUT)}
        if known != ends:
            wanted = [TopicPartition(topic, number, offset) for number, offset in ends.items()]
            consumer.commit(offsets=wanted, asynchronous=False)
    except KafkaException as error:
        raise AssertionError(str(error)) from error
    return True


@contextmanager
def _onlooker(stack: Stack, group: str) -> Iterator[Consumer]:
    login = stack.state.kafka("admin")
    silent = logging.getLogger("gatehouse.librdkafka")
    consumer = Consumer(
        {
            "bootstrap.servers": login["bootstrap"],
            "security.protocol": login["security_protocol"],
            "sasl.mechanism": login["sasl_mechanism"],
            "sasl.username": login["username"],
            "sasl.password": login["password"],
            "group.id": group,
            "enable.auto.commit": False,
            "logger": silent,
        }
    )
    try:
        yield consumer
    finally:
        consumer.close()
