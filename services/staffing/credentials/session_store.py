"""Sessions and refresh tokens in PostgreSQL.

Who changes a session holds its account's row first, so exchanges of one token happen one after another.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import Write, fetch, insert
from services.staffing.credentials.ledger import Ledger
from services.staffing.credentials.session import RefreshToken, Session
from services.staffing.credentials.session_end import end_sessions
from services.staffing.save import row_of, update

_OWNERS = """
    SELECT account_id FROM sessions WHERE id = ANY($1::uuid[])
    UNION SELECT account_id FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id
    WHERE r.sha256 = ANY($2::bytea[])
"""
_TOKENS = "SELECT sha256, session_id, created_at, used_at FROM refresh_tokens WHERE sha256 = ANY($1::bytea[])"
_SESSIONS = "SELECT id, account_id, created_at, expires_at, revoked_at FROM sessions WHERE id = ANY($1::uuid[])"
_END = """
    UPDATE sessions s SET revoked_at = n.revoked_at FROM unnest($1::uuid[], $2::timestamptz[]) AS n(id, revoked_at)
    WHERE s.id = n.id AND s.revoked_at IS NULL
"""
_USE = """
    UPDATE refresh_tokens t SET used_at = n.used_at FROM unnest($1::bytea[], $2::timestamptz[]) AS n(sha256, used_at)
    WHERE t.sha256 = n.sha256 AND t.used_at IS NULL
"""


async def owners(connection: AsyncConnection, sessions: Collection[UUID], tokens: Collection[bytes]) -> list[UUID]:
    """Whose these are; that never changes, so it can be read before their accounts are locked."""
    if not sessions and not tokens:
        return []
    return [row.account_id for row in await fetch(connection, _OWNERS, list(sessions), list(tokens))]


async def load_sessions(tx: Write, ledger: Ledger, sessions: Collection[UUID], tokens: Collection[bytes]) -> None:
    """Call with the owners' accounts locked."""
    if tokens:
        found = (await tx.exec_driver_sql(_TOKENS, (list(tokens),))).mappings()
        ledger.refresh_tokens = {row["sha256"]: RefreshToken(**row) for row in found}
        ledger.stored_tokens = frozenset(ledger.refresh_tokens)
    wanted = {*sessions, *(token.session_id for token in ledger.refresh_tokens.values())}
    if wanted:
        rows = (await tx.exec_driver_sql(_SESSIONS, (list(wanted),))).mappings()
        ledger.sessions = {row["id"]: Session(**row) for row in rows}
        ledger.stored_sessions = frozenset(ledger.sessions)


async def save_sessions(tx: Write, ledger: Ledger) -> None:
    """Old tokens are used up before their successors stand: at any moment one of a session is good."""
    await end_sessions(tx, ledger.recovered)
    old = [session for key, session in ledger.sessions.items() if key in ledger.stored_sessions]
    new = [session for key, session in ledger.sessions.items() if key not in ledger.stored_sessions]
    await update(tx, _END, [row_of(session) for session in old if session.revoked_at], "id", "revoked_at")
    await insert(tx, "sessions", [row_of(session) for session in new])
    used = [t for key, t in ledger.refresh_tokens.items() if key in ledger.stored_tokens and t.used_at]
    await update(tx, _USE, [row_of(token) for token in used], "sha256", "used_at")
    issued = [token for key, token in ledger.refresh_tokens.items() if key not in ledger.stored_tokens]
    await insert(tx, "refresh_tokens", [row_of(token) for token in issued])
