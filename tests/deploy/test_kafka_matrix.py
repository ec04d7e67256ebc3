"""The cluster is what `contracts/topics.py` says: no topic, user or ACL more or less for our principals."""

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
)

from contracts.topics import DOWNSTREAM, PRINCIPALS, TOPICS, Kind, Topic
from deploy import kafka
from deploy.local import broker
from deploy.local.recipes import apply_topics
from deploy.local.stack import Stack

SCRATCH = Topic("scratch.topic", Kind.EVENT, "partners", ("partners",), ("audit",), "id", partitions=1)


@pytest.fixture
def admin(stack: Stack) -> Iterator[AdminClient]:
    client = broker.admin(stack.state)
    yield client
    client.delete_topics([SCRATCH.name], operation_timeout=10)
    apply_topics(stack.state)


def in_cluster(admin: AdminClient, principals: tuple[str, ...] = PRINCIPALS) -> set[kafka.Grant | AclBinding]:
    ours = {f"User:{name}" for name in principals}
    return {kafka._grant(binding) for binding in kafka._all_acls(admin) if binding.principal in ours}  # noqa: SLF001


def binding(principal: str, name: str, operation: AclOperation) -> AclBinding:
    literal, allow = ResourcePatternType.LITERAL, AclPermissionType.ALLOW
    return AclBinding(ResourceType.TOPIC, name, literal, f"User:{principal}", "*", operation, allow)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_exactly_the_writers_may_write_and_exactly_the_readers_may_read(topic: Topic) -> None:
    rows = [row for row in kafka.render() if row["name"] == topic.name]
    allowed = {(row["principal"], row["operation"]) for row in rows if row["operation"] != "DESCRIBE"}

    assert allowed == {(name, "WRITE") for name in topic.writers} | {(name, "READ") for name in topic.readers}
    assert {row["principal"] for row in rows if row["operation"] == "DESCRIBE"} == {*topic.writers, *topic.readers}
    assert {(row["resource"], row["pattern"]) for row in rows} == {("TOPIC", "LITERAL")}


def test_a_downstream_subscriber_writes_nothing() -> None:
    assert {row["operation"] for row in kafka.render() if row["principal"] == DOWNSTREAM} == {"READ", "DESCRIBE"}


def test_each_principal_may_use_consumer_groups_under_its_own_name_only() -> None:
    groups = {(row["principal"], row["name"], row["pattern"]) for row in kafka.render() if row["resource"] == "GROUP"}

    assert groups == {(name, f"{name}.", "PREFIXED") for name in PRINCIPALS}


def test_the_cluster_holds_the_matrix_and_nothing_else(admin: AdminClient) -> None:
    assert in_cluster(admin) == kafka.grants(TOPICS)


def test_topics_have_the_partitions_and_the_retention_of_the_table(admin: AdminClient) -> None:
    found = admin.list_topics(timeout=10).topics
    resources = [ConfigResource(ResourceType.TOPIC, topic.name) for topic in TOPICS]
    configs = {resource.name: future.result(10) for resource, future in admin.describe_configs(resources).items()}

    for topic in TOPICS:
        assert len(found[topic.name].partitions) == topic.partitions
        assert configs[topic.name]["cleanup.policy"].value == ("compact" if topic.compacted else "delete")
        if not topic.compacted:
            assert configs[topic.name]["retention.ms"].value == str(topic.retention_ms)


def test_an_acl_that_is_not_in_the_matrix_is_removed(admin: AdminClient, stack: Stack) -> None:
    kafka._wait(admin.create_acls([binding("partners", "staffing.commands", AclOperation.WRITE)]))  # noqa: SLF001
    assert ("partners", "WRITE", "TOPIC", "staffing.commands", "LITERAL") in in_cluster(admin)

    apply_topics(stack.state)

    assert in_cluster(admin) == kafka.grants(TOPICS)


def test_a_denial_for_one_of_our_principals_is_removed_too(admin: AdminClient, stack: Stack) -> None:
    denial = binding("audit", "partner.approved", AclOperation.READ)
    denial.permission_type = AclPermissionType.DENY
    kafka._wait(admin.create_acls([denial]))  # noqa: SLF001

    apply_topics(stack.state)

    assert in_cluster(admin) == kafka.grants(TOPICS)


def test_acls_of_other_principals_are_left_alone(admin: AdminClient, stack: Stack) -> None:
    foreign = binding("somebody-else", "partner.approved", AclOperation.READ)
    kafka._wait(admin.create_acls([foreign]))  # noqa: SLF001

    apply_topics(stack.state)

    assert len(in_cluster(admin, ("somebody-else",))) == 1
    kafka._wait(admin.delete_acls([kafka._exactly(foreign)]))  # noqa: SLF001


def test_partitions_are_added_and_settings_changed_but_partitions_are_never_removed(admin: AdminClient) -> None:
    grown = Topic(**{name: getattr(SCRATCH, name) for name in SCRATCH.__slots__} | {"partitions": 3, "compacted": True})

    for topic, partitions in ((SCRATCH, 1), (grown, 3), (SCRATCH, 3)):
        kafka.apply_topics(admin, [topic])
        assert len(admin.list_topics(timeout=10).topics[SCRATCH.name].partitions) == partitions
        config = admin.describe_configs([ConfigResource(ResourceType.TOPIC, SCRATCH.name)])
        [policy] = [future.result(10)["cleanup.policy"].value for future in config.values()]
        assert policy == ("compact" if topic.compacted else "delete")
