"""Settings of the audit service, beside those every owner of a database has."""

from pydantic import Field, SecretStr

from services.audit.note import Signer
from services.chassis import OwnerSettings
from services.wire.actor import private_key


class AuditSettings(OwnerSettings):
    """`audit_origin` names the log and its key; `audit_signing_key` is the raw Ed25519 seed, base64url unpadded."""

    s3_endpoint: str
    s3_region: str = "us-east-1"
    s3_access_key: str
    s3_secret_key: SecretStr
    checkpoint_bucket: str
    checkpoint_retention_days: int = Field(default=365, ge=1)
    audit_origin: str
    audit_signing_key: SecretStr

    @property
    def signer(self) -> Signer:
        return Signer(self.audit_origin, private_key(self.audit_signing_key.get_secret_value()))
