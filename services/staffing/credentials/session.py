"""A logged-in person: a short access token that says who, and a refresh token that is good once.

A refresh token that comes back after its use was copied by somebody: its whole session ends (RFC 9700 §4.14.2).

The access token carries the account and nothing that can go stale; membership, role and branches are looked up at
each decision.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import jwt
from uuid_utils.compat import uuid7

from contracts.credentials import Session as SessionView
from contracts.message import Actor, Chosen
from services.wire.actor import private_key

ACCESS_LIFETIME = timedelta(minutes=10)
REFRESH_LIFETIME = timedelta(days=30)


@dataclass(kw_only=True, slots=True)
class Session:
    """Lasts thirty days from the login, however often it is refreshed."""

    id: UUID
    account_id: UUID
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def is_alive(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at

    def end(self, now: datetime) -> None:
        self.revoked_at = self.revoked_at or now


@dataclass(kw_only=True, slots=True)
class RefreshToken:
    """Good for one exchange; of the token itself only the hash is kept."""

    sha256: bytes
    session_id: UUID
    created_at: datetime
    used_at: datetime | None = None


class Tokens:
    """Signs access tokens of RFC 9068's type for one audience."""

    def __init__(self, issuer: str, audience: str, signing_key: str) -> None:
        self._issuer, self._audience, self._key = issuer, audience, private_key(signing_key)

    def open(self, account_id: UUID, now: datetime) -> Session:
        return Session(id=uuid7(), account_id=account_id, created_at=now, expires_at=now + REFRESH_LIFETIME)

    def issue(self, session: Session, now: datetime) -> tuple[RefreshToken, SessionView]:
        """The next pair of tokens of a session."""
        refresh = secrets.token_urlsafe(32)
        digest = hashlib.sha256(refresh.encode()).digest()
        seconds = int(ACCESS_LIFETIME.total_seconds())
        access = self._sign(session.account_id, session.id, now, now + ACCESS_LIFETIME)
        view = SessionView(access_token=access, refresh_token=refresh, expires_in=seconds)
        return RefreshToken(sha256=digest, session_id=session.id, created_at=now), view

    def choose(self, actor: Actor, chosen: Chosen, now: datetime) -> tuple[str, int]:
        """A token of the same session that carries the choice, and its seconds.

        It ends with the token it is made from: else a stolen one could be renewed for ever without a refresh.
        """
        expires = min(now + ACCESS_LIFETIME, actor.token_expires_at or now + ACCESS_LIFETIME)
        token = self._sign(actor.subject, actor.session_id, now, expires, ctx=chosen.model_dump_json())
        return token, max(0, int((expires - now).total_seconds()))

    def _sign(
        self, account_id: UUID | str, session_id: UUID | None, issued: datetime, expires: datetime, **more: str
    ) -> str:
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(account_id),
            "sid": str(session_id),
            "jti": str(uuid7()),
            "iat": issued,
            "exp": expires,
            **more,
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": "staff"})
