"""An anonymous request to any open port of the stack reads and writes nothing.

The ports are taken from the processes themselves, so that one nobody thought of is tried too. What anonymous callers
may see are health checks, the identity provider's public documents, and SeaweedFS' status pages: no data, no key.
"""

import http.client
import socket
import ssl
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import psutil
import pytest
from botocore.exceptions import ClientError
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from deploy import kafka
from deploy.local import broker, objects, supervision
from deploy.local.part import ENGINES
from deploy.local.ports import LOOPBACK, PAIR_DISTANCE
from deploy.local.stack import Stack
from deploy.local.state import DOCUMENTS

PHONE = "+15550109999"
GRPC = ("s3_grpc", "master_grpc", "volume_grpc", "filer_grpc")
READS = (
    *(
        "/",
        "/status",
        "/metrics",
        "/debug/pprof/",
        "/dir/assign",
        "/dir/lookup?volumeId=1",
        "/dir/status",
        "/vol/status",
    ),
    *("/cluster/status", "/stats/disk", "/ui/index.html", "/1,01637037d6", "/2,01637037d6", "/buckets/?pretty=y"),
    *("/v1/messages?to=%2B15550109999", "/v1/behaviour", "/token", "/rotate", "/admin", "/api/files", "/topics"),
    *("/v1/pages", "/v1/mints", "/v1/calls", "/v1/log", "/rpc", "/scim/v2/Users", "/scim/v2/Users?filter=id%20pr"),
)
WRITES = (
    *("/", "/submit", "/dir/assign", "/vol/grow?count=1", "/col/delete?collection=x", "/1,01637037d6", "/buckets"),
    *("/admin/assign_volume?volume=99", "/v1/messages", "/v1/behaviour", "/token", "/rotate"),
    *("/v1/pages/duty", "/rpc", "/scim/v2/Users", "/scim/v2/Users/.search"),
)


@dataclass(frozen=True, slots=True)
class Canary:
    """Something stored in every engine; its text must never come back to an anonymous caller."""

    text: str
    key: str


@pytest.fixture(scope="module")
def canary(stack: Stack) -> Iterator[Canary]:
    canary = Canary(f"canary-{uuid.uuid4()}", f"canaries/{uuid.uuid4()}")
    s3 = objects.client(stack.state)
    s3.put_object(Bucket=DOCUMENTS, Key=canary.key, Body=canary.text.encode())
    _leave(stack, "sms", "/v1/messages", {"to": PHONE, "body": canary.text}, {"Idempotency-Key": canary.key})
    page = {"version": "1.0", "title": canary.key, "message": canary.text, "type": "info", "attachments": []}
    _leave(stack, "pager", "/v1/pages/duty", page)
    person = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": canary.text}
    _leave(stack, "scim", "/scim/v2/Users", person | {"externalId": canary.key})
    yield canary
    s3.delete_object(Bucket=DOCUMENTS, Key=canary.key)


def _leave(stack: Stack, part: str, path: str, body: dict[str, Any], more: dict[str, str] | None = None) -> None:
    headers = {"Authorization": f"Bearer {stack.state.secrets[f'{part}_token']}"} | (more or {})
    answer = httpx.post(f"{stack.state.url(part)}{path}", json=body, headers=headers, trust_env=False)
    answer.raise_for_status()


def open_addresses(stack: Stack) -> list[tuple[str, int]]:
    """Where the engines and their children listen."""
    parents = [psutil.Process(stack.pid_of(name)) for name in ENGINES]
    processes = [process for parent in parents for process in (parent, *parent.children(recursive=True))]
    connections = [c for process in processes for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    return sorted({(c.laddr.ip, c.laddr.port) for c in connections})


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Status and body of one plain HTTP request; (0, whatever came) where nobody speaks HTTP."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error).encode()
    finally:
        connection.close()


def test_every_open_port_is_on_loopback_and_one_we_chose(stack: Stack) -> None:
    known = {*stack.state.ports.values(), stack.state.ports["weed_admin"] + PAIR_DISTANCE}

    assert {ip for ip, _ in open_addresses(stack)} == {LOOPBACK}
    assert {port for _, port in open_addresses(stack)} <= known


def test_no_anonymous_read_returns_anything_stored(stack: Stack, canary: Canary) -> None:
    for _, port in open_addresses(stack):
        for path in (f"/{DOCUMENTS}/{canary.key}", f"/buckets/{DOCUMENTS}/{canary.key}"):
            assert canary.text.encode() not in ask(port, "GET", path)[1], (port, path)
        for path in (*READS, f"/{DOCUMENTS}?versions", f"/buckets/{DOCUMENTS}/?limit=10000"):
            body = ask(port, "GET", path)[1]
            assert canary.text.encode() not in body, (port, path)
            assert canary.key.encode() not in body, (port, path)


def test_no_anonymous_write_is_accepted(stack: Stack, canary: Canary) -> None:
    before = [version["VersionId"] for version in versions(stack)]
    for _, port in open_addresses(stack):
        for path in (*WRITES, f"/{DOCUMENTS}/{canary.key}", f"/buckets/{DOCUMENTS}/{canary.key}"):
            for method in ("PUT", "POST", "DELETE"):
                status, body = ask(port, method, path, b"overwritten")
                is_status_page = (port, path) == (stack.state.ports["master"], "/")
                assert is_status_page or not 200 <= status < 300, (port, method, path, body)

    assert [version["VersionId"] for version in versions(stack)] == before
    stored = objects.client(stack.state).get_object(Bucket=DOCUMENTS, Key=canary.key)["Body"].read()
    assert stored == canary.text.encode()


def versions(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = objects.client(stack.state).list_object_versions(Bucket=DOCUMENTS)["Versions"]
    return found


def test_s3_refuses_a_key_that_is_not_ours(stack: Stack, canary: Canary) -> None:
    stranger = stack.state.secrets | {"s3_secret_key": "wrong"}
    client = objects.client(type(stack.state)(stack.state.ports, stranger))

    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client.get_object(Bucket=DOCUMENTS, Key=canary.key)


@pytest.mark.parametrize("port", [*GRPC, "weed_admin"])
def test_a_grpc_port_hangs_up_on_a_caller_without_our_certificate(stack: Stack, port: str) -> None:
    number = stack.state.ports[port] + (PAIR_DISTANCE if port == "weed_admin" else 0)

    assert not speaks_http2(socket.create_connection((LOOPBACK, number), 5))
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate.required|bad.certificate"):
        speaks_http2(_tls(number))


def _tls(port: int) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context.wrap_socket(socket.create_connection((LOOPBACK, port), 5))


def speaks_http2(connection: socket.socket) -> bool:
    """True if the server answers the HTTP/2 preface with a SETTINGS frame."""
    with connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        answer = connection.recv(9)
        return len(answer) == 9 and answer[3] == 4


def test_the_same_grpc_port_answers_a_caller_with_our_certificate(stack: Stack) -> None:
    certificates = stack.home.data("seaweedfs") / "certificates"
    context = ssl.create_default_context(cafile=certificates / "ca.pem")
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    context.set_alpn_protocols(["h2"])
    plain = socket.create_connection((LOOPBACK, stack.state.ports["filer_grpc"]), 5)

    assert speaks_http2(context.wrap_socket(plain, server_hostname=LOOPBACK))


@pytest.mark.parametrize("user", ["postgres", "partners", "partners_owner", "pgserver", "root"])
@pytest.mark.parametrize("database", ["gatehouse", "postgres", "template1"])
async def test_postgres_lets_nobody_in_without_a_password(stack: Stack, user: str, database: str) -> None:
    for password in (None, "", "wrong"):
        with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
            await asyncpg.connect(
                host=LOOPBACK, port=stack.state.ports["postgres"], user=user, database=database, password=password
            )


def test_postgres_has_no_unix_socket(stack: Stack) -> None:
    process = psutil.Process(stack.pid_of("postgres"))

    assert [c for c in process.net_connections("unix") if c.status == psutil.CONN_LISTEN] == []


LOGINS: dict[str, dict[str, str]] = {
    "no login": {"security.protocol": "PLAINTEXT"},
    "wrong password": {"sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "admin", "sasl.password": "wrong"},
    "unknown user": {"sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "nobody", "sasl.password": "x"},
    "plain, wrong password": {"sasl.mechanism": "PLAIN", "sasl.username": "controller", "sasl.password": "wrong"},
}


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("listener", ["kafka", "kafka_controller"])
def test_kafka_tells_a_stranger_nothing_and_takes_nothing(stack: Stack, listener: str, login: str) -> None:
    settings: dict[str, Any] = {
        "bootstrap.servers": stack.state.address(listener),
        "security.protocol": "SASL_PLAINTEXT",
        "log_level": 0,
        **LOGINS[login],
    }

    with pytest.raises(KafkaException):
        AdminClient(settings).list_topics(timeout=1)
    with pytest.raises(KafkaException):
        Producer(settings).list_topics(timeout=1)


def test_kafka_refuses_its_controller_to_a_service(stack: Stack) -> None:
    """A SCRAM login is of no use there: that listener knows one user only, the broker itself."""
    login = stack.state.kafka("partners") | {"bootstrap": stack.state.address("kafka_controller")}

    assert not kafka.answers(kafka.admin_client(**login), timeout=1)
    assert broker.is_ready(stack.state)


def test_the_supervisor_listens_on_a_socket_only_its_owner_can_reach(stack: Stack) -> None:
    assert stack.home.run.stat().st_mode & 0o077 == 0
    assert supervision.is_running(stack.home)
