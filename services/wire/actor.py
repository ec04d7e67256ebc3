"""Actor assertions: who acts, signed for one service and one exact body by the gateway or by that service itself.

The model is IETF Transaction Tokens: an EdDSA JWT with issuer, audience, subject, roles, `txn` (the command id),
`jti` (the message id), `cmd` (type and version), `key` and `cmd_sha256` of the body's exact bytes. A service
believes nothing about an actor that this signature does not say.

There is one algorithm and one header, so the compact JWS (RFC 7515) is taken apart here: PyJWT spends
twice the time of the signature itself on choices that do not exist. A test holds that PyJWT reads and writes the same.
"""

import base64
import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.message import Actor, ActorType, Chosen, Context
from contracts.roles import Role

ISSUER = "gatehouse-gateway"
LIFETIME_SECONDS = 900
SKEW_SECONDS = 60

_HEADER = base64.urlsafe_b64encode(b'{"alg":"EdDSA","typ":"JWT"}').rstrip(b"=")


class AssertionRefusedError(Exception):
    """The assertion is missing, forged, altered, expired or meant for another message or service."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What an assertion binds together besides the actor; `issuer` is whose word it is."""

    audience: str
    message_id: UUID
    command: str
    key: str
    body: bytes
    issuer: str = ISSUER


def private_key(encoded: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_raw(encoded))


def public_key(encoded: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(_raw(encoded))


def _raw(encoded: str | bytes) -> bytes:
    text = encoded if isinstance(encoded, bytes) else encoded.encode()
    return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _encode(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def sign(key: Ed25519PrivateKey, actor: Actor, context: Context, sealed: Sealed, now: float | None = None) -> str:
    issued = int(time.time() if now is None else now)
    claims = {
        "iss": sealed.issuer,
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
    if actor.session_id:
        claims["sid"] = str(actor.session_id)
    if actor.chosen:
        claims["ctx"] = actor.chosen.model_dump_json()
    if actor.token_expires_at:
        claims["token_exp"] = int(actor.token_expires_at.timestamp())
    signed = _HEADER + b"." + _encode(orjson.dumps(claims))
    return (signed + b"." + _encode(key.sign(signed))).decode()


def verify(
    key: Ed25519PublicKey, token: str, sealed: Sealed, traceparent: str | None = None, *, late: bool = False
) -> tuple[Actor, Context]:
    """The actor and context that `token` vouches for; `late` accepts an expired one (a dead letter replayed).

    Raises AssertionRefusedError.
    """
    try:
        claims = _open(key, token)
        _check_time_and_place(claims, sealed, late=late)
        _compare(claims, sealed)
        actor = Actor(
            type=ActorType(claims["sub_type"]),
            issuer=claims["sub_iss"],
            subject=claims["sub"],
            roles=frozenset(map(Role, claims["roles"])),
            session_id=UUID(claims["sid"]) if "sid" in claims else None,
            chosen=Chosen.model_validate_json(claims["ctx"]) if "ctx" in claims else None,
            token_expires_at=datetime.fromtimestamp(claims["token_exp"], UTC) if "token_exp" in claims else None,
        )
        context = Context(
            request_id=claims["req"], command_id=UUID(claims["txn"]), ip=claims["ip"], traceparent=traceparent
        )
    except (InvalidSignature, ValueError, KeyError, TypeError) as error:
        raise AssertionRefusedError(f"{type(error).__name__}: {error}") from error
    return actor, context


def _open(key: Ed25519PublicKey, token: str) -> dict[str, Any]:
    signed, _, signature = token.encode().rpartition(b".")
    header, _, payload = signed.partition(b".")
    if header != _HEADER:
        raise ValueError("not the one header there is")
    key.verify(_raw(signature), signed)
    claims: dict[str, Any] = orjson.loads(_raw(payload))
    return claims


def _check_time_and_place(claims: dict[str, Any], sealed: Sealed, *, late: bool) -> None:
    if (claims["iss"], claims["aud"]) != (sealed.issuer, sealed.audience):
        raise ValueError("of another issuer or for another audience")
    if not late and not claims["iat"] - SKEW_SECONDS <= time.time() < claims["exp"]:
        raise ValueError("expired or not yet valid")


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
