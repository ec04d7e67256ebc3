"""Delete from Kafka what clients sent and what they were answered, once nobody needs to read it any more.

Commands, queries and replies hold names, phones and mail addresses as they were typed; events hold them sealed. A lane
is trimmed up to the offset that its owner has committed, so nothing that is still to be handled is ever deleted;
replies up to an age at which every caller has stopped waiting.
"""

from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from contracts.topics import Kind, Topic
from deploy.kafka import TIMEOUT

REPLY_SECONDS = 120
"""More than a gateway waits for an answer, whatever its settings say."""

_EARLIEST, _LATEST = OffsetSpec.earliest(), OffsetSpec.latest()  # type: ignore[no-untyped-call]
LANES = frozenset({Kind.COMMAND, Kind.QUERY})


def trim(admin: AdminClient, topics: Iterable[Topic], now: float) -> dict[str, int]:
    """How many records went, by topic; `now` in seconds."""
    deleted = {}
    for topic in topics:
        if topic.kind in LANES:
            deleted[topic.name] = _delete(admin, _consumed(admin, topic))
        elif topic.kind is Kind.REPLY:
            deleted[topic.name] = _delete(admin, _older(admin, topic, now - REPLY_SECONDS))
    return deleted


def _partitions(topic: Topic) -> list[TopicPartition]:
    return [TopicPartition(topic.name, number) for number in range(topic.partitions)]


def _consumed(admin: AdminClient, topic: Topic) -> list[TopicPartition]:
    """Up to where the owner's group, which is named like its lane, has come; nowhere if it never committed."""
    wanted = [ConsumerGroupTopicPartitions(topic.name, _partitions(topic))]
    committed = next(iter(admin.list_consumer_group_offsets(wanted).values())).result(TIMEOUT)
    return [found for found in committed.topic_partitions if found.offset > 0]


def _older(admin: AdminClient, topic: Topic, moment: float) -> list[TopicPartition]:
    """Up to the first record of `moment` or later; the ends are asked for first, so what comes meanwhile stays."""
    ends = _offsets(admin, _partitions(topic), _LATEST)
    first = _offsets(admin, _partitions(topic), OffsetSpec.for_timestamp(int(moment * 1000)))
    return [TopicPartition(topic.name, n, first[n] if first[n] >= 0 else end) for n, end in ends.items()]


def _delete(admin: AdminClient, until: list[TopicPartition]) -> int:
    begins = _offsets(admin, until, _EARLIEST)
    due = [place for place in until if place.offset > begins[place.partition]]
    if due:
        for deleting in admin.delete_records(due).values():
            deleting.result(TIMEOUT)
    return sum(place.offset - begins[place.partition] for place in due)


def _offsets(admin: AdminClient, places: list[TopicPartition], spec: OffsetSpec) -> dict[int, int]:
    if not places:
        return {}
    asked: dict[TopicPartition, Future[Any]] = admin.list_offsets(
        {TopicPartition(place.topic, place.partition): spec for place in places}
    )
    return {place.partition: found.result(TIMEOUT).offset for place, found in asked.items()}
