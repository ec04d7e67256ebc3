"""Commands of a service to itself: how timers and workers change state, on the same lane as everybody else."""

import secrets
from uuid import NAMESPACE_URL, uuid5

from aiokafka import AIOKafkaProducer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from uuid_utils.compat import uuid7

from contracts.message import Actor, ActorType, Command, Context
from services.wire.requests import Outgoing, Sender


class OwnCommands:
    """Sends `system` commands as the service itself; nobody waits for their replies."""

    def __init__(self, producer: AIOKafkaProducer, service: str, key: Ed25519PrivateKey) -> None:
        self._producer, self._sender = producer, Sender(f"/{service}", service, key)
        self._actor = Actor(type=ActorType.SYSTEM, subject=service)

    async def send(self, command: Command, intent: str) -> None:
        """Return once the broker has it; raises KafkaError.

        `intent` and the command's type make the command id, so the same intent takes effect once however often it is
        sent. But a binding answer (any success, any conflict) is given again for ever, even when the world has moved
        on: put everything into `intent` that makes it another one, such as the id and version of what it is about.
        """
        if not command.system:
            raise ValueError(f"{command.type} is not a system command")
        message_id = uuid7()
        context = Context(
            request_id=str(message_id),
            command_id=uuid5(NAMESPACE_URL, f"{command.type}:{intent}"),
            traceparent=f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01",
        )
        body, key, headers = Outgoing(command, self._actor, context, command.topic, message_id=message_id).pack(
            self._sender
        )
        await self._producer.send_and_wait(command.topic, body, key=key, headers=headers)
