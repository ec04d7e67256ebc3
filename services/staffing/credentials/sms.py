"""Text messages, best effort and after the commit: no provider can hold up or undo what staffing decided (S2.44-46).

The row in `notifications` is the job. An event wakes the sender, its loop finds what is due again; a claim moves the
next try into the future, so two instances or a crash send no message twice at once, and the provider drops repeats
by their Idempotency-Key. Each message has its own tries and its own task: a slow or dead one holds up no other.
"""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import httpx
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.message import Outcome, Target
from contracts.staffing import NotificationStatus
from contracts.work_events import NotificationSettled
from services.chassis import Fact, Write
from services.chassis.own_facts import tell
from services.outgoing import Errands
from services.staffing.credentials.otp import Otp
from services.staffing.scope import declare_messages
from services.staffing.settings import StaffingSettings
from services.wire.envelope import Record

SERVICE = "staffing"
AT_ONCE = 32
MAX_TRIES = 6
TIMEOUT_SECONDS = 5.0
LEASE = timedelta(seconds=20)

_CLAIM = """
    WITH due AS (
        SELECT id FROM notifications WHERE status = 'queued' AND next_try_at <= $1
        ORDER BY next_try_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE notifications n SET tries = n.tries + 1, next_try_at = $3
    FROM due JOIN notifications d USING (id) JOIN accounts a ON a.id = d.account_id
        LEFT JOIN otp_challenges c ON c.id = d.challenge_id
    WHERE n.id = due.id
    RETURNING n.id, n.account_id, n.challenge_id, n.tries, a.phone, c.expires_at
"""
_SETTLE = """
    UPDATE notifications SET status = $2::text, settled_at = $3::timestamptz, failure = $4::text,
        next_try_at = COALESCE($5::timestamptz, next_try_at)
    WHERE id = $1 AND status = 'queued'
"""

log = structlog.get_logger()


class Message(NamedTuple):
    """One claimed message; `phone` is used for this one request and never logged."""

    id: UUID
    account_id: UUID
    challenge_id: UUID | None
    tries: int
    phone: str
    expires_at: datetime | None

    def settled(self, status: NotificationStatus, failure: str | None) -> Fact:
        data = NotificationSettled(
            notification_id=self.id, account_id=self.account_id, status=status, tries=self.tries, failure=failure
        )
        person = Target(type="account", id=str(self.account_id))
        return Fact("notification", self.id, 1, data, (Target(type="notification", id=str(self.id)), person))


class SmsSender(Errands[Message]):
    at_once = AT_ONCE
    unsettled = "sms.unsettled"

    def __init__(self, engine: AsyncEngine, otp: Otp, settings: StaffingSettings) -> None:
        super().__init__()
        self._engine, self._otp = engine, otp
        token = settings.sms_token.get_secret_value()
        self._client = httpx.AsyncClient(
            base_url=settings.sms_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
        )

    async def on_events(self, _: Sequence[Record]) -> None:
        """A job was committed; what it says stands in the table."""
        self.wake()

    async def close(self) -> None:
        await super().close()
        await self._client.aclose()

    async def claim(self, room: int) -> list[Message]:
        now = datetime.now(UTC)
        async with self._transaction() as tx:
            rows = (await tx.exec_driver_sql(_CLAIM, (now, room, now + LEASE))).mappings()
            return [Message(**row) for row in rows]

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Write]:
        async with self._engine.begin() as connection:
            await declare_messages(tx := Write(connection))
            yield tx

    async def do(self, message: Message) -> None:
        now = datetime.now(UTC)
        if message.expires_at and message.expires_at <= now:
            await self._settle(message, NotificationStatus.FAILED, "the code expired before it could be sent")
            return
        failure = await self._post(message)
        if failure is None:
            await self._settle(message, NotificationStatus.SENT)
        elif message.tries >= MAX_TRIES:
            log.warning("sms.failed", notification_id=str(message.id), tries=message.tries, error=failure)
            await self._settle(message, NotificationStatus.FAILED, failure)
        else:
            await self._settle(message, NotificationStatus.QUEUED, failure, again=now + _backoff(message.tries))

    async def _post(self, message: Message) -> str | None:
        """None when the provider took it, else what went wrong."""
        body = {"to": message.phone, "body": self._text(message)}
        try:
            response = await self._client.post("/v1/messages", json=body, headers={"Idempotency-Key": str(message.id)})
        except (httpx.HTTPError, ValueError) as error:
            return type(error).__name__
        return None if response.status_code in (200, 201) else f"HTTP {response.status_code}"

    def _text(self, message: Message) -> str:
        if message.challenge_id is None:
            return "Gatehouse: a business added you to its staff. Sign in with your own password."
        return f"Gatehouse: your code is {self._otp.code(message.challenge_id)}. It is valid for 5 minutes."

    async def _settle(
        self, message: Message, status: NotificationStatus, failure: str | None = None, again: datetime | None = None
    ) -> None:
        settled = None if status is NotificationStatus.QUEUED else datetime.now(UTC)
        async with self._transaction() as tx:
            done = await tx.exec_driver_sql(_SETTLE, (message.id, status, settled, failure, again))
            if settled and done.rowcount:
                outcome = Outcome.SUCCEEDED if status is NotificationStatus.SENT else Outcome.FAILED
                await tell(tx, SERVICE, message.settled(status, failure), outcome)


def _backoff(tries: int) -> timedelta:
    """1, 2, 4, 8, 16 seconds, each between half and all of it."""
    return timedelta(seconds=2 ** (tries - 1) * random.uniform(0.5, 1.0))  # noqa: S311
