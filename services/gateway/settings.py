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
