"""Routes whose bodies hold secrets: hidden before the message leaves, the reply opened just before the answer.

What goes to Kafka, inbox, dead letters or logs is sealed for one purpose and one asker, or only a hash.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from contracts.credentials import CredentialCommand, Purpose, Refresh, RefreshSession, SealedSession
from contracts.message import Actor, Contract
from contracts.message import Request as Message
from services.gateway.dispatch import Answer
from services.gateway.problems import invalid
from services.wire.sealing import Sealer

Body = TypeVar("Body", bound=Contract)


class Secretive(Protocol):
    """`body` is what HTTP sends; the message holds nothing of it that could be used by who reads it."""

    @property
    def body(self) -> type[Contract]: ...

    def message(self, kind: type[Message], body: bytes, sealer: Sealer) -> Message:
        """Raises Failure(VALIDATION_FAILED, MALFORMED_JSON) without a cause: it would quote the secrets."""

    def opened(self, answer: Answer, message: Message, sealer: Sealer) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Sealed:
    """The `secrets` of the body become `sealed_…` fields; `reply` is sealed for that purpose."""

    body: type[Contract]
    secrets: Mapping[str, Purpose]
    reply: Purpose | None = None

    def message(self, kind: type[Message], body: bytes, sealer: Sealer) -> Message:
        fields = _read(self.body, body).model_dump(exclude_none=True)
        phone = fields["phone"]
        hidden = {f"sealed_{name}": sealer.seal(fields.pop(name), use, phone) for name, use in self.secrets.items()}
        return _made(kind, {**fields, **hidden})

    def opened(self, answer: Answer, message: Message, sealer: Sealer) -> Answer:
        if self.reply is None or not isinstance(message, CredentialCommand):
            return answer
        return _opened(answer, self.reply, message.phone, sealer)


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A refresh token for the next pair: only its hash leaves, and the reply is sealed for that hash."""

    body: type[Contract] = Refresh

    def message(self, kind: type[Message], body: bytes, sealer: Sealer) -> Message:  # noqa: ARG002
        token = _read(Refresh, body).refresh_token
        return _made(kind, {"refresh_sha256": hashlib.sha256(token.encode()).hexdigest()})

    def opened(self, answer: Answer, message: Message, sealer: Sealer) -> Answer:
        if not isinstance(message, RefreshSession):
            return answer
        return _opened(answer, Purpose.SESSION, message.refresh_sha256, sealer)


def opened_context(answer: Answer, actor: Actor, sealer: Sealer) -> Answer:
    """The token of a chosen context, sealed for the account that asked and for nobody else."""
    return _opened(answer, Purpose.CONTEXT, actor.subject, sealer)


def _read(kind: type[Body], body: bytes) -> Body:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from None


def _made(kind: type[Message], fields: dict[str, Any]) -> Message:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise invalid(error) from None


def _opened(answer: Answer, purpose: Purpose, asker: str, sealer: Sealer) -> Answer:
    if answer.status not in (HTTPStatus.OK, HTTPStatus.CREATED):
        return answer
    sealed = SealedSession.model_validate_json(answer.body).sealed
    return replace(answer, body=sealer.unseal(sealed, purpose, asker).encode())
