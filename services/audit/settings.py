"""Settings of the audit service, beside those every owner of a database has."""

from pydantic import Field, SecretStr

from services.audit.cosignature import WitnessKey
from services.audit.note import Signer
from services.audit.witness_address import WitnessAddress
from services.exports.job_settings import ExportJobSettings
from services.wire.actor import private_key


class AuditSettings(ExportJobSettings):
    """`audit_origin` names the log and its key; `audit_signing_key` is the raw Ed25519 seed, base64url unpadded.

    `witness_key` is the witness's verifier key, as C2SP writes it.
    """

    checkpoint_bucket: str
    checkpoint_retention_days: int = Field(default=365, ge=1)
    audit_origin: str
    audit_signing_key: SecretStr
    witness_url: str = ""
    witness_key: str = ""

    @property
    def witness(self) -> WitnessAddress | None:
        """None where nobody watches this log."""
        return WitnessAddress(self.witness_url, WitnessKey.of(self.witness_key)) if self.witness_url else None

    @property
    def signer(self) -> Signer:
        return Signer(self.audit_origin, private_key(self.audit_signing_key.get_secret_value()))
