"""Actor assertions: who acts, signed by the gateway for one service and one exact body.

The model is IETF Transaction Tokens: an EdDSA JWT with issuer, audience, subject, roles, `txn` (the command id),
`jti` (the message id), `cmd` (type and version), `key` and `cmd_sha256` of the body's exact bytes. A service
believes nothing about an actor that this signature does not say.
"""

import base64
import hashlib
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.message import Actor, ActorType, Context
from contracts.roles import Role

ISSUER = "gatehouse-gateway"
LIFETIME_SECONDS = 900
_REQUIRED = ["iss", "aud", "sub", "jti", "txn", "cmd", "key", "cmd_sha256", "exp", "iat"]


class AssertionRefusedError(Exception):
    """The assertion is missing, forged, altered, expired or meant for another message or service."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What an assertion binds together besides the actor."""

    audience: str
    message_id: UUID
    command: str
    key: str
    body: bytes


def private_key(encoded: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_raw(encoded))


def public_key(encoded: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(_raw(encoded))


def _raw(encoded: str) -> bytes:
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


def sign(key: Ed25519PrivateKey, actor: Actor, context: Context, sealed: Sealed, now: float | None = None) -> str:
    issued = int(time.time() if now is None else now)
    claims = {
        "iss": ISSUER,
        "aud": sealed.audience,
        "sub": actor.subject,
        "sub_iss": actor.issuer,
        "sub_type": actor.type,
        "roles": sorted(actor.roles),
        "jti": str(sealed.message_id),
        "txn": str(context.command_id),
        "cmd": sealed.command,
        "key": sealed.key,
        "cmd_sha256": hashlib.sha256(sealed.body).hexdigest(),
        "req": context.request_id,
        "ip": context.ip,
        "iat": issued,
        "exp": issued + LIFETIME_SECONDS,
    }
    return jwt.encode(claims, key, algorithm="EdDSA")


def verify(
    key: Ed25519PublicKey, token: str, sealed: Sealed, traceparent: str | None = None, *, late: bool = False
) -> tuple[Actor, Context]:
    """The actor and context that `token` vouches for; `late` accepts an expired one (a dead letter replayed).

    Raises AssertionRefusedError.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["EdDSA"],
            audience=sealed.audience,
            issuer=ISSUER,
            options={"require": _REQUIRED, "verify_exp": not late},
        )
        _compare(claims, sealed)
        actor = Actor(
            type=ActorType(claims["sub_type"]),
            issuer=claims["sub_iss"],
            subject=claims["sub"],
            roles=frozenset(map(Role, claims["roles"])),
        )
        context = Context(
            request_id=claims["req"], command_id=UUID(claims["txn"]), ip=claims["ip"], traceparent=traceparent
        )
    except (jwt.PyJWTError, ValueError, KeyError, TypeError) as error:
        raise AssertionRefusedError(f"{type(error).__name__}: {error}") from error
    return actor, context


def _compare(claims: dict[str, Any], sealed: Sealed) -> None:
    expected = {
        "jti": str(sealed.message_id),
        "cmd": sealed.command,
        "key": sealed.key,
        "cmd_sha256": hashlib.sha256(sealed.body).hexdigest(),
    }
    for claim, value in expected.items():
        if claims[claim] != value:
            raise ValueError(f"{claim} does not match the message")
