"""Settings of the staffing service, beside those every owner of a database has."""

from pathlib import Path

from pydantic import Field, SecretStr

from services.exports.job_settings import ExportJobSettings


class StaffingSettings(ExportJobSettings):
    """`staff_signing_key` is a raw Ed25519 seed, the other keys 32 random bytes, all base64url."""

    oidc_issuer: str
    root_admin_subjects: str = Field(default="", validation_alias="OTC_ROOT_ADMIN_SUBJECTS")
    root_admin_subjects_file: Path | None = Field(default=None, validation_alias="OTC_ROOT_ADMIN_SUBJECTS_FILE")
    staff_issuer: str = "gatehouse-staff"
    staff_audience: str = "gatehouse"
    staff_signing_key: SecretStr
    credential_key: SecretStr
    otp_pepper: SecretStr
    sms_url: str
    sms_token: SecretStr

    otp_cooldown_seconds: int = Field(default=30, ge=0)
    otp_hourly_per_phone: int = Field(default=5, ge=1)
    otp_hourly_per_ip: int = Field(default=30, ge=1)
    otp_hourly_per_tenant: int = Field(default=1_000, ge=1)
    otp_hourly_per_country: int = Field(default=10_000, ge=1)

    sms_kept_days: int = Field(default=90, ge=1)
    bulk_keys_kept_days: int = Field(default=90, ge=1)
