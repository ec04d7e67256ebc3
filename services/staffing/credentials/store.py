"""Passwords and one-time codes in PostgreSQL: the only statements that name a password hash.

Accounts are locked in id order, then the newest challenges, then the counters of codes. Tries are taken by the
statement that counts them, so however many guess at once, five are looked at.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import Write
from services.staffing.account import Account, AccountStatus
from services.staffing.credentials.ledger import Ledger
from services.staffing.credentials.otp import MAX_TRIES, Challenge
from services.staffing.credentials.session_store import save_sessions
from services.staffing.save import row_of, save_prompts, update

_HASHES = "SELECT phone, password_hash FROM accounts WHERE phone = ANY($1::text[]) AND password_hash IS NOT NULL"
_ACCOUNTS = """
    SELECT id, version, phone, status, created_at, activated_at, disabled_at, held_at, erased_at, password_hash
    FROM accounts WHERE phone = ANY($1::text[]) OR id = ANY($2::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""
_NEWEST = """
    SELECT DISTINCT ON (phone_key) id, phone_key, account_id, attempts, created_at, expires_at, consumed_at
    FROM otp_challenges WHERE phone_key = ANY($1::text[]) ORDER BY phone_key, created_at DESC, id DESC
"""
_TAKE_TRIES = """
    WITH wanted AS (
        SELECT newest.id, n.tries FROM unnest($1::text[], $2::int[]) AS n(phone_key, tries)
        CROSS JOIN LATERAL (SELECT id FROM otp_challenges c WHERE c.phone_key = n.phone_key
                            ORDER BY created_at DESC, id DESC LIMIT 1) AS newest
    ), standing AS (
        SELECT c.id, c.attempts, wanted.tries FROM otp_challenges c JOIN wanted USING (id)
        ORDER BY c.id FOR NO KEY UPDATE OF c
    )
    UPDATE otp_challenges c SET attempts = least($3::int, c.attempts + standing.tries)
    FROM standing WHERE c.id = standing.id
    RETURNING c.id, c.phone_key, c.account_id, standing.attempts, c.created_at, c.expires_at, c.consumed_at
"""
_UPDATE = """
    UPDATE accounts a SET version = n.version, status = n.status, activated_at = n.activated_at,
        password_hash = n.password_hash
    FROM unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[], $5::text[])
        AS n(id, version, status, activated_at, password_hash)
    WHERE a.id = n.id
"""
_TRIES = """
    UPDATE otp_challenges c SET attempts = n.attempts, consumed_at = n.consumed_at
    FROM unnest($1::uuid[], $2::int[], $3::timestamptz[]) AS n(id, attempts, consumed_at) WHERE c.id = n.id
"""

# As many statements as a code for somebody costs; they find nothing.
_AS_FOR_SOMEBODY = (
    "UPDATE accounts SET version = version WHERE id = ANY('{}'::uuid[])",
    "UPDATE notifications SET tries = tries WHERE id = ANY('{}'::uuid[])",
    "SELECT id FROM outbox WHERE id = ANY('{}'::bigint[])",
)


async def password_hashes(connection: AsyncConnection, phones: Collection[str]) -> dict[str, str]:
    rows = (await connection.exec_driver_sql(_HASHES, (list(phones),))).all()
    return {row.phone: row.password_hash for row in rows}


async def newest_challenges(connection: AsyncConnection, keys: Collection[str]) -> dict[str, Challenge]:
    """By phone key, as they stand; a challenge that a newer one replaced is gone."""
    rows = (await connection.exec_driver_sql(_NEWEST, (list(keys),))).mappings()
    return {row["phone_key"]: Challenge(**row) for row in rows}


async def take_tries(tx: AsyncConnection, wanted: Mapping[str, int]) -> dict[str, Challenge]:
    """Count so many tries on the newest challenge of each phone key, five at most.

    What is returned holds the count before: the difference is this transaction's, and nobody else's.
    """
    if not wanted:
        return {}
    rows = (await tx.exec_driver_sql(_TAKE_TRIES, (list(wanted), list(wanted.values()), MAX_TRIES))).mappings()
    return {row["phone_key"]: Challenge(**row) for row in rows}


async def load_people(tx: Write, ledger: Ledger, owners: Collection[UUID]) -> None:
    """Lock and read those whom the batch's attempts and sessions are about."""
    phones = {attempt.phone for attempt in ledger.attempts.values() if attempt.phone}
    for row in (await tx.exec_driver_sql(_ACCOUNTS, (list(phones), list(owners)))).mappings():
        phone = row["phone"] or ""
        fields: dict[str, Any] = {**row, "phone": phone, "status": AccountStatus(row["status"])}
        stored = fields.pop("password_hash")
        account = ledger.accounts[phone] = ledger.people[row["id"]] = Account(**fields)
        ledger.stored[account.id] = account.version
        if stored:
            ledger.hashes[account.id] = stored


async def save(tx: Write, ledger: Ledger) -> None:
    """A try is counted even when it is refused, and given back when it was not looked at."""
    changed = [account for account in ledger.people.values() if ledger.stored[account.id] != account.version]
    rows = [{**row_of(account), "password_hash": ledger.hashes.get(account.id)} for account in changed]
    await update(tx, _UPDATE, rows, "id", "version", "status", "activated_at", "password_hash")
    tried = [row_of(challenge) for challenge in ledger.challenges.values()]
    await update(tx, _TRIES, tried, "id", "attempts", "consumed_at")
    await save_prompts(tx, ledger.prompts)
    await save_sessions(tx, ledger)
    if ledger.prompts.challenges and not ledger.prompts.notifications:
        await _take_as_long(tx)


async def _take_as_long(tx: Write) -> None:
    """A code for a stranger takes as long as one that is sent (P9)."""
    for statement in _AS_FOR_SOMEBODY:
        await tx.exec_driver_sql(statement)
