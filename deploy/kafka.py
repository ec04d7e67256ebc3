"""Topics, SCRAM users and ACLs, applied from `contracts.topics`: the same code locally and in production.

The matrix is the only source: what it does not allow does not exist in the cluster. An ACL of one of our principals
that is not in the matrix is removed; users, topics and ACLs of others are never touched. Idempotent.
"""

import logging
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from contracts.topics import HOUR_MS, PRINCIPALS, TOPICS, Kind, Topic

TIMEOUT = 30.0
SCRAM = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 8192)

Grant = tuple[str, str, str, str, str]
"""(principal, operation, resource type, resource name, LITERAL or PREFIXED)"""


def admin_client(
    bootstrap: str, security_protocol: str, sasl_mechanism: str, username: str, password: str
) -> AdminClient:
    """An administrator's connection; its chatter about a broker that is still starting is dropped."""
    silent = logging.getLogger("gatehouse.librdkafka")
    silent.setLevel(logging.CRITICAL)
    settings: dict[str, Any] = {
        "bootstrap.servers": bootstrap,
        "security.protocol": security_protocol,
        "sasl.mechanism": sasl_mechanism,
        "sasl.username": username,
        "sasl.password": password,
        "reconnect.backoff.max.ms": 500,
        "logger": silent,
    }
    return AdminClient(settings)


def answers(admin: AdminClient, timeout: float = 2.0) -> bool:
    """True if the cluster has at least one broker that lets this administrator in."""
    try:
        return bool(admin.list_topics(timeout=timeout).brokers)
    except KafkaException:
        return False


def apply(admin: AdminClient, passwords: dict[str, str], *, replication: int = 1) -> None:
    """Make the cluster what the matrix says; `passwords` holds those of the principals to create or renew."""
    apply_topics(admin, TOPICS, replication=replication)
    apply_users(admin, passwords)
    apply_acls(admin, grants(TOPICS), PRINCIPALS)


def apply_topics(admin: AdminClient, topics: Iterable[Topic], *, replication: int = 1) -> None:
    """Create what is missing, add partitions (never remove any), set clean-up policy and retention."""
    wanted = {topic.name: topic for topic in topics}
    existing = admin.list_topics(timeout=TIMEOUT).topics
    new = [_new_topic(topic, replication) for topic in wanted.values() if topic.name not in existing]
    more = [
        NewPartitions(topic.name, topic.partitions)
        for topic in wanted.values()
        if topic.name in existing and len(existing[topic.name].partitions) < topic.partitions
    ]
    if new:
        _wait(admin.create_topics(new, operation_timeout=TIMEOUT))
    if more:
        _wait(admin.create_partitions(more, operation_timeout=TIMEOUT))
    _apply_configs(admin, [wanted[name] for name in wanted if name in existing])


def apply_users(admin: AdminClient, passwords: dict[str, str]) -> None:
    """Set the SCRAM password of each given principal; others keep theirs."""
    users: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(name, SCRAM, secret.encode()) for name, secret in passwords.items()
    ]
    if users:
        _wait(admin.alter_user_scram_credentials(users))


def apply_acls(admin: AdminClient, wanted: set[Grant], principals: Iterable[str]) -> None:
    """Create missing ACLs, then remove those of our principals that the matrix does not know."""
    ours = {f"User:{name}" for name in principals}
    found = {_grant(binding): binding for binding in _all_acls(admin) if binding.principal in ours}
    missing = [_binding(grant) for grant in sorted(wanted - found.keys())]
    surplus = [_exactly(binding) for grant, binding in found.items() if grant not in wanted]
    if missing:
        _wait(admin.create_acls(missing))
    if surplus:
        _wait(admin.delete_acls(surplus))


def grants(topics: Iterable[Topic]) -> set[Grant]:
    """The matrix as ACLs: writers WRITE, readers READ, both DESCRIBE; each principal its own consumer groups."""
    allowed = {
        (principal, operation, "TOPIC", topic.name, "LITERAL")
        for topic in topics
        for right, principals in (("WRITE", topic.writers), ("READ", topic.readers))
        for principal in principals
        for operation in (right, "DESCRIBE")
    }
    return allowed | {(principal, "READ", "GROUP", f"{principal}.", "PREFIXED") for principal in PRINCIPALS}


def render() -> list[dict[str, str]]:
    """The matrix as rows for people and for other tools, sorted."""
    columns = ("principal", "operation", "resource", "name", "pattern")
    return [dict(zip(columns, grant, strict=True)) for grant in sorted(grants(TOPICS))]


def _new_topic(topic: Topic, replication: int) -> NewTopic:
    return NewTopic(topic.name, topic.partitions, replication, config=_config(topic))


def _config(topic: Topic) -> dict[str, str]:
    if topic.compacted:
        return {"cleanup.policy": "compact"}
    kept = {"cleanup.policy": "delete", "retention.ms": str(topic.retention_ms)}
    # What is deleted leaves the disk only with its whole segment, and these hold what people typed.
    return kept if topic.kind is Kind.EVENT else kept | {"segment.ms": str(HOUR_MS)}


def _apply_configs(admin: AdminClient, topics: list[Topic]) -> None:
    resources = {topic.name: ConfigResource(ResourceType.TOPIC, topic.name) for topic in topics}
    if not resources:
        return
    current = {r.name: f.result(TIMEOUT) for r, f in admin.describe_configs(list(resources.values())).items()}
    changes = []
    for topic in topics:
        different = {key: value for key, value in _config(topic).items() if current[topic.name][key].value != value}
        if different:
            changes.append(_change(topic.name, different))
    if changes:
        _wait(admin.incremental_alter_configs(changes))


def _change(name: str, config: dict[str, str]) -> ConfigResource:
    entries = [
        ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in sorted(config.items())
    ]
    return ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)


def _all_acls(admin: AdminClient) -> list[AclBinding]:
    """None in a filter means any; the package's own types do not say so."""
    any_name: Any = None
    anything = AclBindingFilter(
        ResourceType.ANY,
        any_name,
        ResourcePatternType.ANY,
        any_name,
        any_name,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    found: list[AclBinding] = admin.describe_acls(anything, request_timeout=TIMEOUT).result(TIMEOUT)
    return found


def _grant(binding: AclBinding) -> Grant | AclBinding:
    """The ACL in the matrix's terms; a form the matrix never uses stays itself, and so counts as surplus."""
    if binding.permission_type is not AclPermissionType.ALLOW or binding.host != "*":
        return binding
    principal = binding.principal.removeprefix("User:")
    kind, pattern = ResourceType(binding.restype), ResourcePatternType(binding.resource_pattern_type)
    return (principal, AclOperation(binding.operation).name, kind.name, binding.name, pattern.name)


def _binding(grant: Grant) -> AclBinding:
    principal, operation, kind, name, pattern = grant
    return AclBinding(
        ResourceType[kind],
        name,
        ResourcePatternType[pattern],
        f"User:{principal}",
        "*",
        AclOperation[operation],
        AclPermissionType.ALLOW,
    )


def _exactly(binding: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        binding.restype,
        binding.name,
        binding.resource_pattern_type,
        binding.principal,
        binding.host,
        binding.operation,
        binding.permission_type,
    )


def _wait(results: dict[Any, Future[Any]]) -> None:
    """Every request of a set, or the first error."""
    for future in results.values():
        future.result(TIMEOUT)
