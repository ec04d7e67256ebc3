"""A text message that is due: a one-time code, or word that somebody was added to a staff.

The row is the job. It is written with the facts that cause it and outlives any crash; its id is the provider's
Idempotency-Key, so a message sent twice arrives once.
"""

from copy import copy
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from contracts.staffing import NotificationStatus
from services.chassis import Fact
from services.staffing.account import Account
from services.staffing.credentials.caps import Caps, OtpLimits
from services.staffing.credentials.otp import Challenge, Otp


@dataclass(kw_only=True, slots=True)
class Notification:
    """`challenge_id` is None for a notice; `tenant_id` is None when the person asked for the code themselves."""

    id: UUID
    account_id: UUID
    tenant_id: UUID | None
    challenge_id: UUID | None
    status: NotificationStatus = NotificationStatus.QUEUED
    created_at: datetime
    next_try_at: datetime
    settled_at: datetime | None = None
    failure: str | None = None

    @classmethod
    def of_code(cls, challenge: Challenge, account_id: UUID, tenant_id: UUID | None) -> "Notification":
        return cls(
            id=challenge.id,
            account_id=account_id,
            tenant_id=tenant_id,
            challenge_id=challenge.id,
            created_at=challenge.created_at,
            next_try_at=challenge.created_at,
        )

    @classmethod
    def of_notice(cls, account_id: UUID, tenant_id: UUID, now: datetime) -> "Notification":
        return cls(
            id=uuid4(), account_id=account_id, tenant_id=tenant_id, challenge_id=None, created_at=now, next_try_at=now
        )

    def fail(self, failure: str) -> None:
        self.status, self.settled_at, self.failure = NotificationStatus.FAILED, self.created_at, failure


class Prompts:
    """The messages that one batch makes due, with the challenges behind them and the caps on them."""

    def __init__(self, otp: Otp, limits: OtpLimits) -> None:
        self._otp = otp
        self.caps = Caps(otp, limits)
        self.challenges: list[Challenge] = []
        self.notifications: list[Notification] = []

    def tell(self, account: Account, tenant_id: UUID, now: datetime) -> tuple[list[Fact], NotificationStatus]:
        """Word from a tenant: a code to who has no password yet, else a notice; the answer is the same (S2.7).

        Where a cap is full nothing is sent, and that is no reason to refuse what the tenant did (S2.46).
        """
        if not self.caps.prompt(self.caps.of_tenant(account.phone, tenant_id), now):
            unsent = Notification.of_notice(account.id, tenant_id, now)
            unsent.fail("a cap is reached")
            self.notifications.append(unsent)
            return [], NotificationStatus.FAILED
        if account.is_active:
            return [self._send_notice(account, tenant_id, now)], NotificationStatus.QUEUED
        return [self.send_code(account, tenant_id, now)], NotificationStatus.QUEUED

    def copied(self) -> "Prompts":
        """For a trial: what is added to the copy is not due unless the copy is kept."""
        copied = copy(self)
        copied.challenges, copied.notifications = list(self.challenges), list(self.notifications)
        copied.caps = self.caps.copied()
        return copied

    def send_code(self, account: Account, tenant_id: UUID | None, now: datetime) -> Fact:
        challenge = self.challenge(account.phone, account.id, now)
        self.notifications.append(Notification.of_code(challenge, account.id, tenant_id))
        return account.request_activation(challenge.id)

    def challenge(self, phone: str, account_id: UUID | None, now: datetime) -> Challenge:
        challenge = self._otp.challenge(phone, account_id, now)
        self.challenges.append(challenge)
        return challenge

    def _send_notice(self, account: Account, tenant_id: UUID, now: datetime) -> Fact:
        notice = Notification.of_notice(account.id, tenant_id, now)
        self.notifications.append(notice)
        return account.request_notice(notice.id)
