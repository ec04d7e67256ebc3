"""Random secrets for development, made once at the first start and kept in the home directory."""

import base64
import secrets
import uuid
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.topics import PRINCIPALS

DATABASES = ("partners", "staffing", "audit")
LOGINS = (*DATABASES, "audit_retention")
"""Who logs in to the database."""
SIGNERS = ("actor", "staff", "audit", "partners", "staffing", "audit_service", "witness")
"""Who signs: the gateway for callers, staffing for sessions, audit for checkpoints, each service for its own commands
and its exports, the witness for what it has seen of the log."""


def b64(raw: bytes) -> str:
    """base64url without padding: one line, no character that a settings file must escape."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def random_secret() -> str:
    return b64(secrets.token_bytes(32))


def cluster_id() -> str:
    """Kafka's own notation of a UUID; as in Kafka it never looks like an option."""
    while (chosen := b64(uuid.uuid4().bytes)).startswith("-"):
        continue
    return chosen


def public_key(signing_key: str) -> str:
    """The raw public half of a raw Ed25519 seed, both base64url."""
    seed = base64.urlsafe_b64decode(signing_key + "=" * (-len(signing_key) % 4))
    return b64(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def _makers() -> dict[str, Callable[[], str]]:
    random_names = [
        "postgres_admin",
        *(f"postgres_{name}" for name in LOGINS),
        *(f"kafka_{name}" for name in ("admin", "controller", *PRINCIPALS)),
        "s3_secret_key",
        *(f"weed_{use}" for use in ("write", "read", "filer_write", "filer_read")),
        *("oidc_client_secret", "oidc_rotate_secret", "sms_token", "credential_key", "otp_pepper"),
        *(f"{name}_master_key" for name in DATABASES),
        *("swap_token", "scim_token", "pager_token", "hsm_pin"),
        *(f"{signer}_signing_key" for signer in SIGNERS),
    ]
    makers: dict[str, Callable[[], str]] = dict.fromkeys(random_names, random_secret)
    makers["kafka_cluster_id"] = cluster_id
    makers["s3_access_key"] = lambda: secrets.token_hex(10).upper()
    return makers


def complete(known: dict[str, str]) -> dict[str, str]:
    """The known secrets, and new ones for names that a later version of Gatehouse added."""
    return {name: known.get(name) or make() for name, make in _makers().items()}
