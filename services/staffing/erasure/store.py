"""An erasure in PostgreSQL: every place of this schema that holds something of a person, in one transaction.

What is left of them is their id: memberships, assignments, texts that were sent and when, and the log.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from contracts.erasure import ERASED
from services.chassis import Write, fetch
from services.exports.erasing import end_files
from services.people.erasing import empty_letters, rewrite_answers
from services.people.keys import destroy_keys
from services.staffing.credentials.caps import Caps
from services.staffing.datasets import DATASETS
from services.staffing.erasure.erased import Erasure
from services.staffing.scope import declare_account, declare_messages, declare_nobody

_TENANTS = "SELECT tenant_id FROM memberships WHERE account_id = $1"
_ACCOUNTS = """
    UPDATE accounts a SET version = n.version, erased_at = n.erased_at, phone = NULL,
        status = 'UNVERIFIED', password_hash = NULL, activated_at = NULL, disabled_at = n.disabled_at, held_at = NULL
    FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::timestamptz[]) AS n(id, version, erased_at, disabled_at)
    WHERE a.id = n.id
"""
_ROWS = (
    "UPDATE staff_profiles SET display_name = $2::text WHERE account_id = ANY($1::uuid[])",
    # a hash of phone and name can be searched for; another row under its key is refused as before
    """UPDATE staff_bulk_rows SET content_sha256 = sha256(convert_to(gen_random_uuid()::text || $2::text, 'UTF8'))
        WHERE account_id = ANY($1::uuid[])""",
    """UPDATE notifications SET status = 'failed', settled_at = now(), failure = $2::text
        WHERE account_id = ANY($1::uuid[]) AND status = 'queued'""",
)
_CREDENTIALS = (
    "DELETE FROM refresh_tokens t USING sessions s WHERE s.id = t.session_id AND s.account_id = ANY($1::uuid[])",
    "DELETE FROM sessions WHERE account_id = ANY($1::uuid[])",
)
_CHALLENGES = "DELETE FROM otp_challenges WHERE account_id = ANY($1::uuid[]) OR phone_key = ANY($2::text[])"
_COUNTERS = "DELETE FROM otp_counters WHERE key = ANY($1::bytea[])"


async def load_ties(tx: Write, accounts: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """The tenants on whose staff each of these people is or was."""
    ties: dict[UUID, set[UUID]] = defaultdict(set)
    for account_id in accounts:
        await declare_account(tx, account_id)
        ties[account_id] = {row.tenant_id for row in await fetch(tx, _TENANTS, account_id)}
    if accounts:
        await declare_nobody(tx)
    return ties


async def erase_accounts(tx: Write, erasures: Sequence[Erasure]) -> None:
    """Before new accounts are written: one of them may have the number."""
    if erasures:
        accounts = [erasure.account for erasure in erasures]
        columns = zip(*((a.id, a.version, a.erased_at, a.disabled_at) for a in accounts), strict=True)
        await tx.exec_driver_sql(_ACCOUNTS, tuple(map(list, columns)))


async def erase_traces(tx: Write, erasures: Sequence[Erasure], caps: Caps) -> None:
    """After everything else is written, answers of the same batch included."""
    if not erasures:
        return
    ids = [erasure.account.id for erasure in erasures]
    await declare_messages(tx)
    for statement in _ROWS:
        await tx.exec_driver_sql(statement, (ids, ERASED))
    for statement in _CREDENTIALS:
        await tx.exec_driver_sql(statement, (ids,))
    await tx.exec_driver_sql(_CHALLENGES, (ids, [caps.otp.phone_key(erasure.phone) for erasure in erasures]))
    await tx.exec_driver_sql(_COUNTERS, ([caps.of_phone_alone(erasure.phone) for erasure in erasures],))
    await destroy_keys(tx, ids)
    await end_files(tx, DATASETS)
    for erasure in erasures:
        await rewrite_answers(tx, erasure.account.id, erasure.rewrite)
    await empty_letters(tx, [erasure.traces.are_in for erasure in erasures])
