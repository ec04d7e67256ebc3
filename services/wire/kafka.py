"""Raw Kafka clients of a process, and headers as Kafka wants them."""

import ssl
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaProducer

from contracts.message import Header
from services.wire.settings import ServiceSettings

MAX_MESSAGE_BYTES = 6 * 1024 * 1024


def client_options(settings: ServiceSettings) -> dict[str, Any]:
    """What every raw aiokafka client of a process is given."""
    return {
        "bootstrap_servers": settings.kafka_bootstrap,
        "security_protocol": settings.kafka_security_protocol,
        "sasl_mechanism": settings.kafka_sasl_mechanism,
        "sasl_plain_username": settings.kafka_username,
        "sasl_plain_password": settings.kafka_password.get_secret_value(),
        "client_id": f"{settings.service}-{settings.instance}",
        "metadata_max_age_ms": 30_000,
        "ssl_context": tls(settings),
    }


def tls(settings: ServiceSettings) -> ssl.SSLContext | None:
    """The system's trust store when the protocol is encrypted, as in production."""
    return ssl.create_default_context() if settings.kafka_security_protocol.endswith("SSL") else None


def make_producer(settings: ServiceSettings) -> AIOKafkaProducer:
    """Acknowledged by all replicas, in order (aiokafka keeps one request in flight for each broker).

    Not idempotent on purpose: a repeat is harmless here, a fenced producer after an outage is not.
    """
    return AIOKafkaProducer(
        **client_options(settings),
        acks="all",
        linger_ms=1,
        request_timeout_ms=8_000,
        max_request_size=MAX_MESSAGE_BYTES,
    )


def to_wire(headers: Mapping[Header, Any]) -> list[tuple[str, bytes]]:
    """Header values as Kafka wants them; absent ones are left out."""
    return [(str(name), str(value).encode()) for name, value in headers.items() if value is not None]
