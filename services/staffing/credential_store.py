"""Passwords, one-time codes and sessions in PostgreSQL: the only statements that name a password hash.

Accounts are locked in id order and then the newest challenges, so tries on one phone are counted one after another,
whoever counts them.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import Write, insert
from services.staffing.account import Account, AccountStatus
from services.staffing.ledger import Ledger
from services.staffing.otp import Challenge
from services.staffing.save import row_of, save_prompts, update

_HASHES = "SELECT phone, password_hash FROM accounts WHERE phone = ANY($1::text[]) AND password_hash IS NOT NULL"
_ACCOUNTS = """
    SELECT id, version, phone, status, created_at, activated_at, password_hash
    FROM accounts WHERE phone = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE
"""
_NEWEST = """
    SELECT id, phone_key, account_id, attempts, created_at, expires_at, consumed_at FROM otp_challenges
    WHERE id IN (SELECT DISTINCT ON (phone_key) id FROM otp_challenges WHERE phone_key = ANY($1::text[])
                 ORDER BY phone_key, created_at DESC, id DESC)
    ORDER BY id
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
_END_SESSIONS = """
    UPDATE sessions SET revoked_at = now() WHERE account_id = ANY($1::uuid[]) AND revoked_at IS NULL
"""


async def password_hashes(connection: AsyncConnection, phones: Collection[str]) -> dict[str, str]:
    rows = (await connection.exec_driver_sql(_HASHES, (list(phones),))).all()
    return {row.phone: row.password_hash for row in rows}


async def newest_challenges(
    connection: AsyncConnection, keys: Collection[str], *, lock: bool = False
) -> dict[str, Challenge]:
    """By phone key; a challenge that a newer one replaced is gone."""
    statement = _NEWEST + ("FOR NO KEY UPDATE" if lock else "")
    rows = (await connection.exec_driver_sql(statement, (list(keys),))).mappings()
    return {row["phone_key"]: Challenge(**row) for row in rows}


async def load(tx: Write, ledger: Ledger) -> None:
    """Lock and read what the batch's attempts are about."""
    phones = {attempt.phone for attempt in ledger.attempts.values() if attempt.phone}
    for row in (await tx.exec_driver_sql(_ACCOUNTS, (list(phones),))).mappings():
        fields: dict[str, Any] = {**row, "status": AccountStatus(row["status"])}
        stored = fields.pop("password_hash")
        account = ledger.accounts[row["phone"]] = Account(**fields)
        ledger.stored[account.id] = account.version
        if stored:
            ledger.hashes[account.id] = stored
    keys = [ledger.otp.phone_key(phone) for phone in phones]
    ledger.challenges = await newest_challenges(tx, keys, lock=True)


async def save(tx: Write, ledger: Ledger) -> None:
    """A try is counted even when it is refused; everything else is written only for commands that were accepted."""
    changed = [account for account in ledger.accounts.values() if ledger.stored[account.id] != account.version]
    rows = [{**row_of(account), "password_hash": ledger.hashes.get(account.id)} for account in changed]
    await update(tx, _UPDATE, rows, "id", "version", "status", "activated_at", "password_hash")
    tried = [row_of(challenge) for challenge in ledger.challenges.values() if challenge.attempts]
    await update(tx, _TRIES, tried, "id", "attempts", "consumed_at")
    await save_prompts(tx, ledger.prompts)
    if ledger.recovered:
        await tx.exec_driver_sql(_END_SESSIONS, (list(ledger.recovered),))
    await insert(tx, "sessions", [row_of(session) for session in ledger.sessions])
