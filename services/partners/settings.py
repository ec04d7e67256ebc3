"""Settings of the partners service, beside those every owner of a database has."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from services.chassis import OwnerSettings
from services.partners.gate import Policy
from services.partners.rules import Rules

Days = Annotated[int, Field(ge=1, le=36_525)]


class PartnersSettings(OwnerSettings):
    s3_endpoint: str
    s3_region: str = "us-east-1"
    s3_access_key: str
    s3_secret_key: SecretStr
    s3_bucket: str = Field(validation_alias="OTC_S3_BUCKET")
    oidc_issuer: str
    root_admin_subjects: str = Field(default="", validation_alias="OTC_ROOT_ADMIN_SUBJECTS")
    root_admin_subjects_file: Path | None = Field(default=None, validation_alias="OTC_ROOT_ADMIN_SUBJECTS_FILE")
    approvals_required: int = Field(default=1, ge=1, le=2, validation_alias="OTC_APPROVALS_REQUIRED")
    rereview_policy: Literal["lenient", "strict"] = Field(default="lenient", validation_alias="OTC_REREVIEW_POLICY")
    rereview_days: Days = Field(default=14, validation_alias="OTC_REREVIEW_DAYS")
    document_max_age_days: Days = Field(default=365, validation_alias="OTC_DOCUMENT_MAX_AGE_DAYS")

    @property
    def policy(self) -> Policy:
        """How the gate is set (K8)."""
        return Policy(
            approvals_required=self.approvals_required,
            strict=self.rereview_policy == "strict",
            document_max_age=timedelta(days=self.document_max_age_days),
            rereview_window=timedelta(days=self.rereview_days),
        )

    def rules(self) -> Rules:
        return Rules(self.approvals_required, timedelta(days=self.rereview_days))
