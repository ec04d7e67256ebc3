"""What our two fakes share: their settings file, their bearer check, and how they are served on loopback."""

import hmac
import os
from typing import TypeVar

import uvicorn
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.applications import Starlette
from starlette.requests import Request

from deploy.local.ports import LOOPBACK


class FakeSettings(BaseSettings):
    """Read from the file that GATEHOUSE_SETTINGS names."""

    model_config = SettingsConfigDict(env_prefix="GATEHOUSE_", extra="ignore")
    http_port: int


Kind = TypeVar("Kind", bound=FakeSettings)


def load(kind: type[Kind]) -> Kind:
    return kind(_env_file=os.environ["GATEHOUSE_SETTINGS"])  # type: ignore[call-arg]


def has_bearer(request: Request, secret: str) -> bool:
    """True if the request carries exactly this bearer token; compared in constant time."""
    return same(request.headers.get("authorization", ""), f"Bearer {secret}")


def same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def serve(app: Starlette, port: int) -> None:
    uvicorn.run(app, host=LOOPBACK, port=port, access_log=False, log_level="warning")
