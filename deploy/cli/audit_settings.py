"""What the subcommands of `gatehouse audit` share: whose log, and how a failure is told without a secret."""

import os
from pathlib import Path

from pydantic import ValidationError

from deploy.local.errors import NotRunning
from deploy.local.home import Home
from services.audit.settings import AuditSettings
from services.chassis import load

TAMPERED, UNCHECKED = 1, 2


def settings_of(home: Home) -> AuditSettings:
    """Those of the service: named by GATEHOUSE_SETTINGS, else the home's."""
    chosen = os.environ.setdefault("GATEHOUSE_SETTINGS", str(home.settings("audit")))
    if not Path(chosen).exists():
        raise NotRunning(f"no settings in {chosen}: start a stack with `gatehouse up`")
    return load(AuditSettings)


def brief(error: Exception) -> str:
    """Without what pydantic was given: the settings hold secrets."""
    if isinstance(error, ValidationError):
        missing = ", ".join(".".join(map(str, found["loc"])) for found in error.errors(include_input=False))
        return f"the settings are incomplete: {missing}"
    return f"{type(error).__name__}: {error}"
