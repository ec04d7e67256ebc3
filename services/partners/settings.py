"""Settings of the partners service, beside those every owner of a database has."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr

from services.chassis import OwnerSettings
from services.partners.review.settings import ReviewSettings
from services.partners.rules import Rules


class PartnersSettings(ReviewSettings, OwnerSettings):
    """`scim_url` is the SCIM 2.0 address of the provider `oidc_issuer`; without one nobody is deactivated there."""

    s3_endpoint: str
    s3_region: str = "us-east-1"
    s3_access_key: str
    s3_secret_key: SecretStr
    s3_bucket: str = Field(validation_alias="OTC_S3_BUCKET")
    oidc_issuer: str
    root_admin_subjects: str = Field(default="", validation_alias="OTC_ROOT_ADMIN_SUBJECTS")
    root_admin_subjects_file: Path | None = Field(default=None, validation_alias="OTC_ROOT_ADMIN_SUBJECTS_FILE")
    approvals_required: int = Field(default=1, ge=1, le=2, validation_alias="OTC_APPROVALS_REQUIRED")
    rereview_days: int = Field(default=14, ge=1, le=366, validation_alias="OTC_REREVIEW_DAYS")

    scim_url: str = ""
    scim_token: SecretStr = SecretStr("")

    def rules(self) -> Rules:
        return Rules(self.approvals_required, timedelta(days=self.rereview_days), self.sla, self.paging)
