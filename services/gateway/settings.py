"""Settings of the gateway."""

from pathlib import Path

from pydantic import SecretStr

from services.wire.settings import ServiceSettings


class GatewaySettings(ServiceSettings):
    actor_signing_key: SecretStr
    oidc_issuer: str
    oidc_audience: str
    staff_issuer: str
    staff_public_key: str
    credential_key: SecretStr
    audit_public_key: str = ""
    voucher_key_file: Path | None = None
    reply_seconds: float = 10.0
    max_body_bytes: int = 256 * 1024
    # How many calls each caller, each address without a token and each address with bad tokens may make; 0 is no limit.
    calls_per_second: float = 200.0
    calls_burst: int = 2_000
    anonymous_calls_per_second: float = 20.0
    anonymous_calls_burst: int = 200
    failed_tokens_per_second: float = 5.0
    failed_tokens_burst: int = 300
    # Events of refusals: how many a second of each caller, strangers being one, and how many wait for Kafka.
    refusals_per_second: float = 50.0
    refusals_buffered: int = 2_000
