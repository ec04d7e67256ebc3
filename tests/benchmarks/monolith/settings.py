"""Where the monolith finds the same engines that Gatehouse uses; handed over in its environment."""

import os
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.local.environment import AUDIENCE, STAFF_ISSUER
from deploy.local.keys import public_key
from deploy.local.state import DOCUMENTS, State


class Settings(BaseSettings):
    """All of it is required: there is no default that could point at another engine."""

    model_config = SettingsConfigDict(env_prefix="MONOLITH_")

    database_url: SecretStr
    database_schema: str
    pool_size: int
    oidc_issuer: str
    audience: str
    staff_issuer: str
    staff_public_key: str
    s3_url: str
    s3_access_key: str
    s3_secret_key: SecretStr


def environment(state: State, schema: str, pool_size: int) -> dict[str, str]:
    """The variables of one monolith over a stack's engines, beside those it needs to run at all."""
    values: dict[str, Any] = {
        "database_url": state.dsn("postgres", driver="postgresql+asyncpg"),
        "database_schema": schema,
        "pool_size": pool_size,
        "oidc_issuer": state.url("oidc"),
        "audience": AUDIENCE,
        "staff_issuer": STAFF_ISSUER,
        "staff_public_key": public_key(state.secrets["staff_signing_key"]),
        "s3_url": f"{state.url('s3')}/{DOCUMENTS}",
        "s3_access_key": state.secrets["s3_access_key"],
        "s3_secret_key": state.secrets["s3_secret_key"],
    }
    return os.environ | {f"MONOLITH_{name.upper()}": str(value) for name, value in values.items()}
