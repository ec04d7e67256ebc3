"""Settings of the partners service, beside those every owner of a database has."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from services.exports.job_settings import ExportJobSettings
from services.partners.decisions.rules import Rules
from services.partners.gate import Policy
from services.partners.invoices.ledger import InvoiceRules
from services.partners.invoices.limits import load_limits
from services.partners.invoices.recipient import Recipients
from services.partners.mint.ledger import VoucherRules
from services.partners.review.settings import ReviewSettings

Days = Annotated[int, Field(ge=1, le=36_525)]


class PartnersSettings(ReviewSettings, ExportJobSettings):
    """`scim_url` is the SCIM 2.0 address of the provider `oidc_issuer`; without one nobody is deactivated there."""

    s3_bucket: str = Field(validation_alias="OTC_S3_BUCKET")
    oidc_issuer: str
    scim_url: str = ""
    scim_token: SecretStr = SecretStr("")
    root_admin_subjects: str = Field(default="", validation_alias="OTC_ROOT_ADMIN_SUBJECTS")
    root_admin_subjects_file: Path | None = Field(default=None, validation_alias="OTC_ROOT_ADMIN_SUBJECTS_FILE")
    approvals_required: int = Field(default=1, ge=1, le=2, validation_alias="OTC_APPROVALS_REQUIRED")
    rereview_policy: Literal["lenient", "strict"] = Field(default="lenient", validation_alias="OTC_REREVIEW_POLICY")
    rereview_days: Days = Field(default=14, validation_alias="OTC_REREVIEW_DAYS")
    document_max_age_days: Days = Field(default=365, validation_alias="OTC_DOCUMENT_MAX_AGE_DAYS")
    invoice_hours: int = Field(default=168, ge=1, le=24 * 366, validation_alias="OTC_INVOICE_HOURS")
    limits_file: Path | None = Field(default=None, validation_alias="OTC_LIMITS_FILE")
    signing_enabled: bool = Field(default=True, validation_alias="OTC_SIGNING_ENABLED")
    voucher_seconds: int = Field(default=900, ge=1, le=86_400, validation_alias="OTC_VOUCHER_SECONDS")
    recipients_file: Path | None = Field(default=None, validation_alias="OTC_RECIPIENTS_FILE")

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
        return Rules(self.approvals_required, timedelta(days=self.rereview_days), self.sla, self.paging)

    def voucher_rules(self) -> VoucherRules:
        return VoucherRules(self.signing_enabled, timedelta(seconds=self.voucher_seconds))

    def invoice_rules(self) -> InvoiceRules:
        """A file of limits that can't be read stops the process: ValueError."""
        return InvoiceRules(
            limits=load_limits(self.limits_file),
            recipients=Recipients(self.recipients_file),
            lifetime=timedelta(hours=self.invoice_hours),
            gate=self.policy,
        )
