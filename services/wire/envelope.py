"""From a Kafka record to a message we believe: raw bytes in, checked envelope out.

Client libraries decode headers themselves and skip a batch on bad UTF-8; here nothing is decoded before this file,
and whatever does not fit is a `Malformed` that goes to the dead letters at once.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from aiokafka import ConsumerRecord
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from contracts.message import Actor, ActorType, Command, Context, Header, Request
from services.wire.actor import ISSUER, AssertionRefusedError, Sealed, verify
from services.wire.header_names import REPLACEMENT

Record: TypeAlias = "ConsumerRecord[bytes | None, bytes | None]"


class MalformedError(Exception):
    """The record can never be handled as it is."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """A request whose envelope, body and actor have been checked.

    `fingerprints` stand for type and body, the first one for good, the others under keys that come or go: an HMAC,
    since whoever reads it in the database must not find by trying whose phone it was made of.
    """

    request: Request
    message_id: UUID
    actor: Actor
    context: Context
    reply_partition: int
    body: bytes
    record: Record
    fingerprints: Sequence[bytes] = (b"",)


def headers_of(record: Record) -> dict[str, str]:
    if any(REPLACEMENT in name for name, _ in record.headers):
        raise MalformedError("a header name is not UTF-8")
    try:
        return {name: (value or b"").decode() for name, value in record.headers}
    except UnicodeDecodeError as error:
        raise MalformedError(f"a header is not UTF-8: {error.reason}") from error


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens the envelopes of one service: knows its message types, the gateway's public key and the service's own.

    Each key vouches for its own half: the service for `system` commands, the gateway for everything else.
    """

    audience: str
    key: Ed25519PublicKey
    types: Mapping[str, type[Request]]
    own_key: Ed25519PublicKey | None = None
    fingerprint_keys: Sequence[bytes] = (b"",)

    def open(self, record: Record, *, late: bool = False) -> Inbound:
        """Raises MalformedError. `late` is for a dead letter that an operator replays."""
        headers = headers_of(record)
        body = record.value
        if not body:
            raise MalformedError("the body is empty")
        try:
            message_id = UUID(headers[Header.ID])
            kind, version = headers[Header.TYPE], int(headers[Header.VERSION])
            assertion = headers[Header.ASSERTION]
            reply_partition = int(headers.get(Header.REPLY_PARTITION, -1))
            key = (record.key or b"").decode()
        except (KeyError, ValueError) as error:
            raise MalformedError(f"the envelope is incomplete: {type(error).__name__} {error}") from error
        own = self._is_own(kind)
        sealed = Sealed(
            self.audience, message_id, f"{kind}.v{version}", key, body, issuer=self.audience if own else ISSUER
        )
        try:
            actor, context = self._believe(assertion, sealed, headers.get(Header.TRACEPARENT), own=own, late=late)
        except AssertionRefusedError as error:
            raise MalformedError(f"the actor assertion is refused: {error}") from error
        request = self._parse(kind, version, body)
        if not _belongs(request, record.topic) or request.key() != key:
            raise MalformedError("the message does not belong on this topic or under this key")
        told = kind.encode() + b"\0" + body
        fingerprints = [hmac.digest(key, told, "sha256") for key in self.fingerprint_keys]
        return Inbound(request, message_id, actor, context, reply_partition, body, record, fingerprints)

    def _is_own(self, kind: str) -> bool:
        model = self.types.get(kind, Request)
        return issubclass(model, Command) and model.system

    def _believe(
        self, assertion: str, sealed: Sealed, trace: str | None, *, own: bool, late: bool
    ) -> tuple[Actor, Context]:
        key = self.own_key if own else self.key
        if key is None:
            raise AssertionRefusedError("this service has no key of its own")
        actor, context = verify(key, assertion, sealed, trace, late=late)
        if own is not (actor.type is ActorType.SYSTEM):
            raise AssertionRefusedError(f"a {actor.type} does not send this")
        return actor, context

    def _parse(self, kind: str, version: int, body: bytes) -> Request:
        model = self.types.get(kind)
        if model is None or not model.since <= version <= model.version:
            raise MalformedError(f"unknown message type {kind}.v{version}")
        try:
            return model.model_validate_json(body)
        except ValidationError as error:
            raise MalformedError(f"the body does not fit {kind}.v{version}: {error.error_count()} errors") from error


def _belongs(request: Request, topic: str) -> bool:
    return topic.endswith(request.topic[1:]) if request.topic.startswith("*") else request.topic == topic
