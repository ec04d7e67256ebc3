"""Settings of the mint worker, beside those of the partners service."""

from pathlib import Path

from pydantic import Field, SecretStr

from services.partners.mint.process import Pkcs11Process
from services.partners.mint.token import Token
from services.partners.mint.tokens import build_token
from services.partners.settings import PartnersSettings
from services.wire.settings import UnsafeSecretsError


class MintSettings(PartnersSettings):
    """`hsm_deadline_seconds` and `swap_deadline_seconds` bound how long a reject may wait for the partner's row."""

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
