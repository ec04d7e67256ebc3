"""Settings every service shares, read from the environment or from the file named by GATEHOUSE_SETTINGS."""

import os
from typing import TypeVar

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.wire.personal import MasterKey


class ProcessSettings(BaseSettings):
    """What every process of ours is told; a missing value stops it at start.

    `stop_seconds` is how long it may drain after SIGTERM; its supervisor must be a little more patient.
    """

    # What cannot be read may hold a secret all the same: errors name the setting, not its value.
    model_config = SettingsConfigDict(env_prefix="GATEHOUSE_", extra="ignore", hide_input_in_errors=True)

    env: str = "production"
    service: str
    instance: int = 0
    http_host: str = "127.0.0.1"
    http_port: int
    stop_seconds: float = Field(default=20.0, gt=0)
    generated_secrets: bool = False


class ServiceSettings(ProcessSettings):
    """A service's own settings extend this class: every service speaks to Kafka."""

    kafka_bootstrap: str
    kafka_username: str
    kafka_password: SecretStr
    kafka_security_protocol: str = "SASL_SSL"
    kafka_sasl_mechanism: str = "SCRAM-SHA-512"


class OwnerSettings(ServiceSettings):
    """A service with a database and a command topic of its own.

    `service_signing_key` signs its commands to itself (raw Ed25519 seed, base64url); without one it sends none.
    `messages_kept_days` must outlast the topics of commands, `answers_kept_days` is how long an Idempotency-Key counts.
    `personal_master_key` wraps the keys of its people and fingerprints the commands it stores (32 random bytes,
    base64url); without one it takes no commands. `personal_master_keys_accepted` are others that open as well, with
    commas between, while the key is changed.
    A process that died without a word keeps its partitions for `kafka_session_seconds`, for it may come back.
    """

    database_url: SecretStr
    actor_public_key: str
    service_signing_key: SecretStr = SecretStr("")
    personal_master_key: SecretStr = SecretStr("")
    personal_master_keys_accepted: SecretStr = SecretStr("")
    messages_kept_days: int = Field(default=30, ge=8)
    answers_kept_days: int = Field(default=366, ge=8)
    kafka_session_seconds: float = Field(default=10.0, ge=3, le=1800)

    @property
    def master_key(self) -> MasterKey:
        """Raises ValueError where there is none."""
        accepted = self.personal_master_keys_accepted.get_secret_value()
        return MasterKey(self.personal_master_key.get_secret_value(), [key for key in accepted.split(",") if key])


class StoreSettings(ProcessSettings):
    """For a process that speaks to an S3 store."""

    s3_endpoint: str
    s3_region: str = "us-east-1"
    s3_access_key: str
    s3_secret_key: SecretStr


class UnsafeSecretsError(RuntimeError):
    """Secrets made for a developer's machine were given to a production process."""


S = TypeVar("S", bound=ProcessSettings)


def load(kind: type[S], file: str | None = None) -> S:
    """From this file, by default the one named by GATEHOUSE_SETTINGS, and from the environment."""
    settings = kind(_env_file=file or os.environ.get("GATEHOUSE_SETTINGS"))  # type: ignore[call-arg]
    if settings.env == "production" and settings.generated_secrets:
        raise UnsafeSecretsError("generated development secrets are refused when GATEHOUSE_ENV=production")
    return settings
