"""A request as it is put on its owner's topic: the body's exact bytes, the assertion over them, the headers."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from uuid_utils.compat import uuid7

from contracts.message import Actor, Command, Context, Header, Request
from services.wire.actor import Sealed, sign
from services.wire.kafka import to_wire

Packed = tuple[bytes, bytes | None, list[tuple[str, bytes]]]
NO_REPLY = -1


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: `source` stands in the header, `issuer` and `key` in and under the assertion."""

    source: str
    issuer: str
    key: Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message on its way to `topic`; the reply, if one is wanted, goes to a partition of `gateway.replies`."""

    request: Request
    actor: Actor
    context: Context
    topic: str
    reply_to: int = NO_REPLY
    message_id: UUID = field(default_factory=uuid7)

    def pack(self, sender: Sender) -> Packed:
        """Value, key and headers of the Kafka record."""
        body, key = self.request.model_dump_json().encode(), self.request.key()
        name = f"{self.request.type}.v{self.request.version}"
        audience = self.topic.split(".", maxsplit=1)[0]
        sealed = Sealed(audience, self.message_id, name, key, body, sender.issuer)
        headers = {
            Header.SPEC_VERSION: "1.0",
            Header.ID: self.message_id,
            Header.TYPE: self.request.type,
            Header.VERSION: self.request.version,
            Header.SOURCE: sender.source,
            Header.TIME: datetime.now(UTC).isoformat(),
            Header.COMMAND_ID: self.context.command_id if isinstance(self.request, Command) else None,
            Header.ASSERTION: sign(sender.key, self.actor, self.context, sealed),
            Header.REPLY_PARTITION: self.reply_to,
            Header.CONTENT_TYPE: "application/json",
            Header.TRACEPARENT: self.context.traceparent,
        }
        return body, key.encode() or None, to_wire(headers)
