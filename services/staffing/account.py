"""One person, one account, found by their phone in every tenant (S2.7). Their credentials are theirs alone (S2.8).

Invariant: an account that nobody proved to hold has no password, so no session; only its holder's one-time code
makes it active. The id is random: an id that told its age would tell a tenant that the person was known before.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID, uuid4

from contracts.credentials import (
    IdentityActivated,
    IdentityActivationRequested,
    IdentityNoticeRequested,
    IdentityProvisioned,
    SessionOpened,
)
from services.chassis import Aggregate, Call, Fact


class AccountStatus(StrEnum):
    UNVERIFIED = "UNVERIFIED"
    ACTIVE = "ACTIVE"


@dataclass(kw_only=True, slots=True)
class Account(Aggregate):
    kind: ClassVar[str] = "account"

    phone: str
    status: AccountStatus = AccountStatus.UNVERIFIED
    created_at: datetime
    activated_at: datetime | None = None

    @classmethod
    def provision(cls, phone: str, call: Call) -> tuple["Account", Fact]:
        account = cls(id=uuid4(), phone=phone, created_at=call.now)
        return account, account.record(IdentityProvisioned(account_id=account.id))

    @property
    def is_active(self) -> bool:
        return self.status is AccountStatus.ACTIVE

    def request_activation(self, challenge_id: UUID) -> Fact:
        return self.record(IdentityActivationRequested(account_id=self.id, challenge_id=challenge_id))

    def request_notice(self, notification_id: UUID) -> Fact:
        return self.record(IdentityNoticeRequested(account_id=self.id, notification_id=notification_id))

    def activate(self, call: Call) -> Fact:
        """The holder chose a password, for the first time or again."""
        recovered = self.is_active
        self.status = AccountStatus.ACTIVE
        self.activated_at = self.activated_at or call.now
        return self.record(IdentityActivated(account_id=self.id, recovered=recovered))

    def open_session(self, session_id: UUID) -> Fact:
        return self.record(SessionOpened(account_id=self.id, session_id=session_id))
