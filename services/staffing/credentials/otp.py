"""One-time codes: proof of holding a phone. No code is stored; it is computed from the challenge and a pepper.

A challenge is kept for every phone that asks, known or not, so that both are judged, counted and answered alike
(P9). At most five tries, five minutes, one use, and only the newest challenge of a phone counts.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

DIGITS = 6
LIFETIME = timedelta(minutes=5)
MAX_TRIES = 5


class Verdict(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    EXHAUSTED = "exhausted"


@dataclass(kw_only=True, slots=True)
class Challenge:
    """`account_id` is None for a phone that nobody has: its code was sent to no one and is never right."""

    id: UUID
    phone_key: str
    account_id: UUID | None
    attempts: int = 0
    created_at: datetime
    expires_at: datetime
    consumed_at: datetime | None = None


class Otp:
    """Knows the pepper, which stands in no database (P8)."""

    def __init__(self, pepper: str) -> None:
        self._pepper = base64.urlsafe_b64decode(pepper + "=" * (-len(pepper) % 4))

    def challenge(self, phone: str, account_id: UUID | None, now: datetime) -> Challenge:
        return Challenge(
            id=uuid4(),
            phone_key=self.phone_key(phone),
            account_id=account_id,
            created_at=now,
            expires_at=now + LIFETIME,
        )

    def phone_key(self, phone: str) -> str:
        """Finds a phone's challenges without keeping the number of a stranger."""
        return self.digest(b"phone:" + phone.encode()).hex()

    def code(self, challenge_id: UUID) -> str:
        """The six digits, by the dynamic truncation of RFC 4226 §5.3."""
        digest = self.digest(b"code:" + challenge_id.bytes)
        start = digest[-1] & 0x0F
        number = int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF
        return str(number % 10**DIGITS).zfill(DIGITS)

    def is_right(self, challenge: Challenge, code: str) -> bool:
        """Whether the digits match; says nothing of tries or time."""
        matches = hmac.compare_digest(self.code(challenge.id).encode(), code.strip().encode())
        return matches and challenge.account_id is not None

    def judge(self, challenge: Challenge, code: str, now: datetime) -> Verdict:
        """Judge one try and count it; a sixth is not looked at."""
        if challenge.consumed_at is not None or now >= challenge.expires_at:
            return Verdict.WRONG
        if challenge.attempts >= MAX_TRIES:
            return Verdict.EXHAUSTED
        challenge.attempts += 1
        if not self.is_right(challenge, code):
            return Verdict.WRONG
        challenge.consumed_at = now
        return Verdict.RIGHT

    def digest(self, message: bytes) -> bytes:
        """An HMAC that nobody without the pepper can make or search for."""
        return hmac.digest(self._pepper, message, hashlib.sha256)
