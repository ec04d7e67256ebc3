"""Records exactly as they lie on a topic, to be sent as they are or bent on purpose first."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from uuid_utils.compat import uuid7

from contracts.message import Actor, Command, Context, Header, Request
from deploy.local.stack import Stack
from services.wire.actor import ISSUER, Sealed, private_key, sign
from services.wire.kafka import to_wire

REPLY_PARTITION = 7
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One Kafka record before it is sent."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    message_id: UUID
    command_id: UUID

    def with_header(self, name: str, value: bytes | None) -> "RawRecord":
        """This record with one header set, in the place of an equally named one."""
        others = tuple(pair for pair in self.headers if pair[0] != name)
        return replace(self, headers=(*others, (name.value if isinstance(name, Header) else name, value)))

    def without_header(self, name: str) -> "RawRecord":
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0] != name))


def signed_record(
    stack: Stack,
    body: bytes,
    actor: Actor,
    *,
    topic: str,
    name: str,
    version: int = 1,
    key: str = "",
    command_id: UUID | None = None,
    message_id: UUID | None = None,
    audience: str = "",
    now: float | None = None,
    signing_key: Ed25519PrivateKey | None = None,
    issuer: str = ISSUER,
    reply_partition: int = REPLY_PARTITION,
    request_id: str = "",
    ip: str = "203.0.113.7",
) -> RawRecord:
    """Any body under any name, with an assertion that fits it unless an argument bends it."""
    message, command = message_id or uuid7(), command_id or uuid7()
    sealed = Sealed(audience or topic.split(".", maxsplit=1)[0], message, f"{name}.v{version}", key, body, issuer)
    context = Context(request_id=request_id or f"req-{message.hex[-12:]}", command_id=command, ip=ip)
    headers = {
        Header.SPEC_VERSION: "1.0",
        Header.ID: message,
        Header.TYPE: name,
        Header.VERSION: version,
        Header.SOURCE: "/gateway",
        Header.COMMAND_ID: command,
        Header.ASSERTION: sign(signing_key or gateway_key(stack), actor, context, sealed, now),
        Header.REPLY_PARTITION: reply_partition,
        Header.CONTENT_TYPE: "application/json",
        Header.TRACEPARENT: TRACEPARENT,
    }
    return RawRecord(topic, key.encode() or None, body, tuple(to_wire(headers)), message, command)


def command_record(stack: Stack, request: Request, actor: Actor, *, topic: str = "", **bent: Any) -> RawRecord:
    """What the gateway, or for a `system` command its own service, would send; `bent` as in `signed_record`."""
    proper: dict[str, Any] = {"name": request.type, "version": request.version, "key": request.key()}
    if isinstance(request, Command) and request.system:
        service = request.topic.split(".", maxsplit=1)[0]
        proper |= {"issuer": service, "signing_key": service_key(stack, service)}
    body = request.model_dump_json().encode()
    return signed_record(stack, body, actor, topic=topic or request.topic, **{**proper, **bent})


def service_key(stack: Stack, service: str) -> Ed25519PrivateKey:
    """The key by which a service sends commands to itself."""
    return private_key(stack.env_of(service)["GATEHOUSE_SERVICE_SIGNING_KEY"])


def gateway_key(stack: Stack) -> Ed25519PrivateKey:
    return private_key(stack.state.secrets["actor_signing_key"])
