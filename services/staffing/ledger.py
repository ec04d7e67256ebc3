"""What one batch of credential commands sees and changes."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.staffing.account import Account
from services.staffing.notification import Prompts
from services.staffing.otp import Challenge, Otp, Verdict
from services.staffing.session import Session, Tokens
from services.wire.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was worked out for one command before the transaction; secrets stay in memory.

    `new_hash` is set when the code was right at that moment, `proven_hash` is the stored one that the password met.
    """

    phone: str | None = None
    code: str = ""
    fits_policy: bool = False
    new_hash: str | None = None
    proven_hash: str | None = None


@dataclass(slots=True)
class Ledger:
    otp: Otp
    tokens: Tokens
    sealer: Sealer
    prompts: Prompts
    attempts: dict[UUID, Attempt]
    accounts: dict[str, Account] = field(default_factory=dict)
    hashes: dict[UUID, str] = field(default_factory=dict)
    challenges: dict[str, Challenge] = field(default_factory=dict)
    recovered: set[UUID] = field(default_factory=set)
    sessions: list[Session] = field(default_factory=list)
    stored: dict[UUID, int] = field(default_factory=dict)

    def account(self, phone: str | None) -> Account | None:
        return self.accounts.get(phone) if phone else None

    def judge(self, attempt: Attempt, now: datetime) -> Verdict:
        """Judge a code against the newest challenge of its phone, and count the try.

        A code that was not right before the transaction is not right in it: its password was never hashed.
        """
        challenge = self.challenges.get(self.otp.phone_key(attempt.phone)) if attempt.phone else None
        if challenge is None:
            return Verdict.WRONG
        return self.otp.judge(challenge, attempt.code if attempt.new_hash else "", now)
