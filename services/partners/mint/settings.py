"""Settings of the mint worker, beside those of the partners service."""

from pathlib import Path

from pydantic import Field, SecretStr

from services.partners.settings import PartnersSettings


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
