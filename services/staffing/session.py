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
        view = SessionView(access_token=self._sign(session, now), refresh_token=refresh, expires_in=seconds)
        return RefreshToken(sha256=digest, session_id=session.id, created_at=now), view

    def _sign(self, session: Session, now: datetime) -> str:
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(session.account_id),
            "sid": str(session.id),
            "jti": str(uuid7()),
            "iat": now,
            "exp": now + ACCESS_LIFETIME,
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": "staff"})
