"""One person, one account, found by their phone in every tenant (S2.7). Their credentials are theirs alone (S2.8).

Invariant: an account that nobody proved to hold has no password, so no session; only its holder's one-time code
makes it active; while it is disabled it has no session.
The id is random: an id that told its age would tell a tenant that the person was known before.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID, uuid4

from contracts.credentials import (
    AccountDisabled,
    AccountEnabled,
    IdentityActivated,
    IdentityActivationRequested,
    IdentityNoticeRequested,
    IdentityProvisioned,
    SessionEnd,
    SessionEnded,
    SessionOpened,
    SessionRefreshed,
)
from contracts.erasure import AccountErased
from contracts.legal_holds import AccountHeld, AccountReleased
from contracts.staff_changes import AccountView
from services.chassis import Aggregate, Call, Fact
from services.wire.personal import Keyring


class AccountStatus(StrEnum):
    UNVERIFIED = "UNVERIFIED"
    ACTIVE = "ACTIVE"


@dataclass(kw_only=True, slots=True)
class Account(Aggregate):
    kind: ClassVar[str] = "account"

    phone: str  # empty once erased
    status: AccountStatus = AccountStatus.UNVERIFIED
    created_at: datetime
    activated_at: datetime | None = None
    disabled_at: datetime | None = None
    held_at: datetime | None = None
    erased_at: datetime | None = None

    @classmethod
    def provision(cls, phone: str, call: Call, keys: Keyring) -> tuple["Account", Fact]:
        account = cls(id=uuid4(), phone=phone, created_at=call.now)
        sealed = keys.of(account.id).fields(IdentityProvisioned, phone=phone)
        return account, account.record(IdentityProvisioned(account_id=account.id, **sealed))

    @property
    def is_active(self) -> bool:
        return self.status is AccountStatus.ACTIVE

    @property
    def is_disabled(self) -> bool:
        return self.disabled_at is not None

    def request_activation(self, challenge_id: UUID) -> Fact:
        return self.record(IdentityActivationRequested(account_id=self.id, challenge_id=challenge_id))

    def request_notice(self, notification_id: UUID) -> Fact:
        return self.record(IdentityNoticeRequested(account_id=self.id, notification_id=notification_id))

    def activate(self, call: Call) -> list[Fact]:
        """The holder chose a password, for the first time or again; then every session they had is over (P12)."""
        recovered = self.is_active
        self.status = AccountStatus.ACTIVE
        self.activated_at = self.activated_at or call.now
        facts = [self.record(IdentityActivated(account_id=self.id, recovered=recovered))]
        return [*facts, self.end_session(None, SessionEnd.RECOVERED)] if recovered else facts

    def open_session(self, session_id: UUID) -> Fact:
        return self.record(SessionOpened(account_id=self.id, session_id=session_id))

    def refresh_session(self, session_id: UUID) -> Fact:
        return self.record(SessionRefreshed(account_id=self.id, session_id=session_id))

    def end_session(self, session_id: UUID | None, reason: SessionEnd) -> Fact:
        return self.record(SessionEnded(account_id=self.id, session_id=session_id, reason=reason))

    def disable(self, reason: str, call: Call) -> list[Fact]:
        """Disabled once, told once."""
        if self.is_disabled:
            return []
        self.disabled_at = call.now
        return [self.record(AccountDisabled(account_id=self.id, reason=reason))]

    def enable(self) -> list[Fact]:
        if not self.is_disabled:
            return []
        self.disabled_at = None
        return [self.record(AccountEnabled(account_id=self.id))]

    def hold(self, reason: str, call: Call) -> list[Fact]:
        """Held once, told once."""
        if self.held_at is not None:
            return []
        self.held_at = call.now
        return [self.record(AccountHeld(account_id=self.id, reason=reason))]

    def release(self, reason: str, _: Call) -> list[Fact]:
        if self.held_at is None:
            return []
        self.held_at = None
        return [self.record(AccountReleased(account_id=self.id, reason=reason))]

    def erase(self, reason: str, call: Call) -> Fact:
        """No phone and no password from here on; the id stays, since the log names it."""
        self.phone, self.status, self.activated_at = "", AccountStatus.UNVERIFIED, None
        self.erased_at = call.now
        return self.record(AccountErased(account_id=self.id, reason=reason))

    def view(self) -> AccountView:
        return AccountView(account_id=self.id, disabled=self.is_disabled, version=self.version)
