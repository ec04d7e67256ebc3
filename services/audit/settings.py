"""Settings of the audit service, beside those every owner of a database has."""

from typing import Annotated

from pydantic import Field, SecretStr

from contracts.retention import DEFAULT_DAYS, RetentionClass
from services.audit.cosignature import WitnessKey
from services.audit.note import Signer
from services.audit.witness_address import WitnessAddress
from services.exports.job_settings import ExportJobSettings
from services.wire.actor import private_key


class AuditSettings(ExportJobSettings):
    """`audit_origin` names the log and its key; `audit_signing_key` is the raw Ed25519 seed, base64url unpadded.

    `witness_key` is the witness's verifier key, as C2SP writes it. `retention_days` changes the period of some classes
    (a JSON object); `retention_database_url` logs in as `audit_retention`, and without it this process purges nothing.
    `catch_up_times` is how many times the live rate a backlog is recorded at; 0 is as fast as it goes.
    """

    checkpoint_bucket: str
    checkpoint_retention_days: int = Field(default=365, ge=1)
    audit_origin: str
    audit_signing_key: SecretStr
    witness_url: str = ""
    witness_key: str = ""
    retention_database_url: SecretStr = SecretStr("")
    retention_days: dict[RetentionClass, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    retention_interval_seconds: float = Field(default=86_400, gt=0)
    catch_up_times: float = Field(default=6, ge=0)

    @property
    def periods(self) -> dict[RetentionClass, int]:
        """Days of every class that ends; whoever gives a period to one that doesn't changes nothing."""
        return {kind: self.retention_days.get(kind, days) for kind, days in DEFAULT_DAYS.items()}

    @property
    def witness(self) -> WitnessAddress | None:
        """None where nobody watches this log."""
        return WitnessAddress(self.witness_url, WitnessKey.of(self.witness_key)) if self.witness_url else None

    @property
    def signer(self) -> Signer:
        return Signer(self.audit_origin, private_key(self.audit_signing_key.get_secret_value()))
