"""Settings of the mint worker, beside those of the partners service."""

from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from services.partners.mint.process import Pkcs11Process
from services.partners.mint.token import Token
from services.partners.mint.tokens import build_token
from services.partners.settings import PartnersSettings
from services.wire.settings import UnsafeSecretsError


class MintSettings(PartnersSettings):
    """`hsm_deadline_seconds` and `swap_deadline_seconds` bound how long a reject may wait for the partner's row.

    A voucher whose worker died is taken up again after `voucher_lease_seconds`: more than both together.
    """

    hsm_kind: str
    hsm_module: str = ""
    hsm_token: str = ""
    hsm_key: str = ""
    hsm_pin: SecretStr = SecretStr("")
    hsm_key_file: Path | None = None
    softhsm_conf: Path | None = Field(default=None, validation_alias="SOFTHSM2_CONF")
    hsm_deadline_seconds: float = 2.0
    swap_url: str
    swap_token: SecretStr
    swap_deadline_seconds: float = 2.0
    voucher_lease_seconds: float = 20.0

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.voucher_lease_seconds)

    @model_validator(mode="after")
    def _lease_outlives_a_step(self) -> Self:
        if self.voucher_lease_seconds <= self.hsm_deadline_seconds + self.swap_deadline_seconds:
            raise ValueError("voucher_lease_seconds: a step may take hsm_deadline_seconds and swap_deadline_seconds")
        return self

    def token(self) -> Token:
        """Not opened yet. Raises UnsafeSecretsError: a key in a file is for development only."""
        if self.env == "production" and self.hsm_kind != Pkcs11Process.kind:
            raise UnsafeSecretsError("vouchers are signed by a PKCS#11 token when GATEHOUSE_ENV=production")
        return build_token(
            self.hsm_kind,
            self.hsm_module,
            self.hsm_token,
            self.hsm_key,
            self.hsm_pin.get_secret_value(),
            key_file=self.hsm_key_file,
            conf=self.softhsm_conf,
            deadline=self.hsm_deadline_seconds,
        )
