"""What nobody can use any more is swept away, a little at a time: codes, tokens, sessions, counters.

Instances pass over what another one holds. A challenge stays while its message is still to be sent, since the
message must learn that it is too late; a session stays a day, so that whoever lost it can be told why.
"""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from contracts.work_events import CredentialsSwept, Swept
from services.chassis import Fact, Write
from services.chassis.own_facts import tell
from services.chassis.patience import wait_out
from services.staffing.scope import declare_messages

SERVICE = "staffing"
AT_ONCE = 500
PAUSE_SECONDS = 60.0
CODES_KEPT = timedelta(hours=1)
COUNTERS_KEPT = timedelta(hours=2)
SESSIONS_KEPT = timedelta(days=1)

_CHALLENGES = """
    DELETE FROM otp_challenges WHERE id IN (
        SELECT id FROM otp_challenges c WHERE expires_at < $1::timestamptz AND NOT EXISTS (
            SELECT FROM notifications n WHERE n.challenge_id = c.id AND n.status = 'queued')
        ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
_COUNTERS = """
    DELETE FROM otp_counters WHERE key IN (
        SELECT key FROM otp_counters WHERE since < $1::timestamptz ORDER BY since LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
_TOKENS = """
    DELETE FROM refresh_tokens WHERE sha256 IN (
        SELECT t.sha256 FROM sessions s JOIN refresh_tokens t ON t.session_id = s.id
        WHERE s.revoked_at < $1::timestamptz OR s.expires_at < $1 LIMIT $2 FOR UPDATE OF t SKIP LOCKED)
"""
_SESSIONS = """
    DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions s WHERE (revoked_at < $1::timestamptz OR expires_at < $1)
            AND NOT EXISTS (SELECT FROM refresh_tokens t WHERE t.session_id = s.id)
        LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
_KEPT = {
    Swept.CHALLENGES: (_CHALLENGES, CODES_KEPT),
    Swept.COUNTERS: (_COUNTERS, COUNTERS_KEPT),
    Swept.TOKENS: (_TOKENS, SESSIONS_KEPT),
    Swept.SESSIONS: (_SESSIONS, SESSIONS_KEPT),
}

log = structlog.get_logger()


class Sweep:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def run(self) -> None:
        """Sweep until cancelled; a full batch is followed by the next one at once."""
        while True:
            swept = await wait_out(self.once)
            if max(swept.values()) < AT_ONCE:
                await asyncio.sleep(PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311

    async def once(self) -> dict[str, int]:
        """One small batch of each kind, each in a transaction of its own; returns how many went."""
        now, swept = datetime.now(UTC), dict[str, int]()
        for kind, (statement, kept) in _KEPT.items():
            async with self._engine.begin() as tx:
                await declare_messages(Write(tx))
                swept[kind.value] = count = (await tx.exec_driver_sql(statement, (now - kept, AT_ONCE))).rowcount
                if count:
                    told = Fact("sweep", uuid7(), 1, CredentialsSwept(kind=kind, count=count))
                    await tell(Write(tx), SERVICE, told)
        if any(swept.values()):
            log.info("credentials.swept", **swept)
        return swept
