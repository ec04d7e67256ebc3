"""What one batch of credential commands sees and changes."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from contracts.credentials import Session as SessionView
from services.staffing.account import Account
from services.staffing.credentials.caps import Keys
from services.staffing.credentials.notification import Prompts
from services.staffing.credentials.otp import Challenge, Otp, Verdict
from services.staffing.credentials.password_policy import Weakness
from services.staffing.credentials.session import RefreshToken, Session, Tokens
from services.wire.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was worked out for one command before the transaction; secrets stay in memory.

    `new_hash` is set when the code was right at that moment, `proven_hash` is the stored one that the password met.
    """

    phone: str | None = None
    code: str = ""
    weaknesses: tuple[Weakness, ...] = ()
    new_hash: str | None = None
    proven_hash: str | None = None


@dataclass(slots=True)
class Ledger:
    """`accounts` by phone and `people` by id are the same; `caps` are the keys that each request counts for."""

    otp: Otp
    tokens: Tokens
    sealer: Sealer
    prompts: Prompts
    attempts: dict[UUID, Attempt]
    caps: dict[UUID, Keys] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    people: dict[UUID, Account] = field(default_factory=dict)
    hashes: dict[UUID, str] = field(default_factory=dict)
    challenges: dict[str, Challenge] = field(default_factory=dict)
    sessions: dict[UUID, Session] = field(default_factory=dict)
    refresh_tokens: dict[bytes, RefreshToken] = field(default_factory=dict)
    recovered: set[UUID] = field(default_factory=set)
    stored: dict[UUID, int] = field(default_factory=dict)
    stored_sessions: frozenset[UUID] = frozenset()
    stored_tokens: frozenset[bytes] = frozenset()

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

    def open_session(self, account_id: UUID, now: datetime) -> tuple[Session, SessionView]:
        session = self.tokens.open(account_id, now)
        self.sessions[session.id] = session
        return session, self.issue(session, now)

    def issue(self, session: Session, now: datetime) -> SessionView:
        token, view = self.tokens.issue(session, now)
        self.refresh_tokens[token.sha256] = token
        return view

    def recover(self, account_id: UUID, now: datetime) -> None:
        """Every session of this person is over, those of this batch too."""
        self.recovered.add(account_id)
        for session in self.sessions.values():
            if session.account_id == account_id:
                session.end(now)
