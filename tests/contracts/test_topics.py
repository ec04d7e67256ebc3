"""The topic table is sound in itself."""

import pytest

from contracts.topics import DAY_MS, DOWNSTREAM, PRINCIPALS, TOPICS, Kind, Topic


def _id(topic: Topic) -> str:
    return topic.name


def test_names_are_unique() -> None:
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)


@pytest.mark.parametrize("topic", TOPICS, ids=_id)
def test_writers_and_readers_are_known_principals(topic: Topic) -> None:
    assert {topic.owner, *topic.writers, *topic.readers} <= set(PRINCIPALS)
    assert topic.writers
    assert topic.readers


@pytest.mark.parametrize("topic", [t for t in TOPICS if t.kind is Kind.EVENT], ids=_id)
def test_an_event_is_written_by_its_owner_alone_and_reaches_the_audit_log(topic: Topic) -> None:
    assert topic.writers == (topic.owner,)
    assert "audit" in topic.readers


@pytest.mark.parametrize("topic", [t for t in TOPICS if t.kind in (Kind.COMMAND, Kind.QUERY, Kind.REPLY)], ids=_id)
def test_a_downstream_subscriber_never_sees_commands_queries_or_replies(topic: Topic) -> None:
    assert DOWNSTREAM not in {*topic.readers, *topic.writers}
    assert topic.retention_ms <= DAY_MS


def test_nobody_downstream_writes() -> None:
    assert all(DOWNSTREAM not in topic.writers for topic in TOPICS)
