"""What timers and workers did by themselves, where it is no command of anybody (A4)."""

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from contracts.message import EventData
from contracts.staffing import NotificationStatus


class NotificationSettled(EventData):
    """A text message was taken by the provider, or given up: then `failure` says why.

    It names no tenant and not what was sent: whoever added a person is not told whether they were known before (S2.7).
    """

    type: ClassVar[str] = "notification.settled"

    notification_id: UUID
    account_id: UUID
    status: NotificationStatus
    tries: int
    failure: str | None


class PageSent(EventData):
    """A page reached everybody at its level of the pager; `tries` counts the failed ones too."""

    type: ClassVar[str] = "page.sent"

    page_id: UUID
    level: int
    tries: int


class Swept(StrEnum):
    CHALLENGES = "challenges"
    COUNTERS = "counters"
    TOKENS = "tokens"
    SESSIONS = "sessions"


class CredentialsSwept(EventData):
    """What nobody could use any more was deleted, one kind in one go."""

    type: ClassVar[str] = "credentials.swept"

    kind: Swept
    count: int
