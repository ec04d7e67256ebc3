"""Routes whose bodies hold secrets: sealed before the message leaves, the reply opened just before the answer.

What goes to Kafka, inbox, dead letters or logs is sealed for one purpose and one phone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus

from pydantic import ValidationError

from contracts.access import SealedContext
from contracts.credentials import CredentialCommand, Purpose, SealedSession
from contracts.message import Actor, Contract
from contracts.message import Request as Message
from services.gateway.dispatch import Answer
from services.gateway.problems import invalid
from services.wire.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Sealed:
    """`body` is what HTTP sends; its `secrets` become `sealed_…` fields; `reply` is sealed for that purpose."""

    body: type[Contract]
    secrets: Mapping[str, Purpose]
    reply: Purpose | None = None

    def message(self, kind: type[Message], body: bytes, sealer: Sealer) -> Message:
        """Raises Failure(VALIDATION_FAILED, MALFORMED_JSON) without a cause: it would quote the secrets."""
        try:
            plain = self.body.model_validate_json(body)
        except ValidationError as error:
            raise invalid(error) from None
        fields = plain.model_dump(exclude_none=True)
        phone = fields["phone"]
        hidden = {f"sealed_{name}": sealer.seal(fields.pop(name), use, phone) for name, use in self.secrets.items()}
        return kind.model_validate({**fields, **hidden})

    def opened(self, answer: Answer, message: Message, sealer: Sealer) -> Answer:
        if self.reply is None or answer.status != HTTPStatus.CREATED or not isinstance(message, CredentialCommand):
            return answer
        sealed = SealedSession.model_validate_json(answer.body).sealed
        return replace(answer, body=sealer.unseal(sealed, self.reply, message.phone).encode())


def opened_context(answer: Answer, actor: Actor, sealer: Sealer) -> Answer:
    """The token of a chosen context, sealed for the account that asked and for nobody else; a refusal as it is."""
    if answer.status != HTTPStatus.OK:
        return answer
    sealed = SealedContext.model_validate_json(answer.body).sealed
    return replace(answer, body=sealer.unseal(sealed, Purpose.CONTEXT, actor.subject).encode())
