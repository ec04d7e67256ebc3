"""Settings of the partners service, beside those every owner of a database has."""

from pathlib import Path

from pydantic import Field, SecretStr

from services.chassis import OwnerSettings


class PartnersSettings(OwnerSettings):
    s3_endpoint: str
    s3_region: str = "us-east-1"
    s3_access_key: str
    s3_secret_key: SecretStr
    s3_bucket: str = Field(validation_alias="OTC_S3_BUCKET")
    oidc_issuer: str
    root_admin_subjects: str = Field(default="", validation_alias="OTC_ROOT_ADMIN_SUBJECTS")
    root_admin_subjects_file: Path | None = Field(default=None, validation_alias="OTC_ROOT_ADMIN_SUBJECTS_FILE")
