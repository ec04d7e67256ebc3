"""Rosters in PostgreSQL, who acts for whom, and who is still to be deactivated.

Rows of people who left are written before rows of people who came: somebody may move from one partner to another
within one batch, and acts for one at a time (`partner_contacts_subject_once`).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.chassis import Read, Write, fetch, fetch_dicts, insert
from services.partners.book import Place
from services.partners.records import Deactivation, DeactivationKey, Member, Person
from services.wire.personal import Keyring

_CONTACTS = """
    SELECT partner_id, position, name, email, phone, role, issuer, subject, status, added_at, removed_at,
           person_id, erased_at
    FROM partner_contacts WHERE partner_id = ANY($1::uuid[]) ORDER BY partner_id, position
"""
_KEYS = """
    SELECT DISTINCT k.person_id, k.wrapped
    FROM partner_contacts c JOIN person_keys k USING (person_id) WHERE c.partner_id = ANY($1::uuid[])
"""
_TAKEN = """
    WITH wanted AS (SELECT * FROM unnest($1::text[], $2::text[]) AS w(issuer, subject))
    SELECT issuer, subject, c.partner_id, NULL::timestamptz
    FROM partner_contacts c JOIN wanted USING (issuer, subject) WHERE c.status = 'ACTIVE'
    UNION ALL
    SELECT issuer, subject, d.partner_id, d.removed_at
    FROM deactivations d JOIN wanted USING (issuer, subject) WHERE d.status = 'pending'
"""
_DEACTIVATIONS = """
    SELECT d.partner_id, d.issuer, d.subject, d.removed_at, d.status, d.settled_at FROM deactivations d
    JOIN unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) AS k(partner_id, issuer, subject, removed_at)
        USING (partner_id, issuer, subject, removed_at)
"""
_CHANGE = """
    UPDATE partner_contacts c SET name = n.name, email = n.email, phone = n.phone, role = n.role,
        status = n.status, removed_at = n.removed_at, erased_at = n.erased_at
    FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
        $9::timestamptz[])
        AS n(partner_id, position, name, email, phone, role, status, removed_at, erased_at)
    WHERE c.partner_id = n.partner_id AND c.position = n.position
"""
_SETTLE = """
    UPDATE deactivations d SET status = n.status, settled_at = n.settled_at
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::timestamptz[])
        AS n(partner_id, issuer, subject, removed_at, status, settled_at)
    WHERE (d.partner_id, d.issuer, d.subject, d.removed_at) = (n.partner_id, n.issuer, n.subject, n.removed_at)
"""
_CHANGED_COLUMNS = ("name", "email", "phone", "role", "status", "removed_at", "erased_at")
_SETTLED_COLUMNS = ("partner_id", "issuer", "subject", "removed_at", "status", "settled_at")


async def load_contacts(connection: Read | Write, partner_ids: Sequence[UUID]) -> Iterator[tuple[UUID, Member]]:
    """All stays, by position."""
    rows = await fetch_dicts(connection, _CONTACTS, list(partner_ids))
    return ((row.pop("partner_id"), Member(**row)) for row in rows)


async def load_keys(tx: Write, partner_ids: Sequence[UUID], keys: Keyring) -> None:
    """Of everybody in these rosters."""
    if partner_ids:
        for person_id, wrapped in await fetch(tx, _KEYS, list(partner_ids)):
            keys.know(person_id, wrapped)


async def load_taken(tx: Write, people: Sequence[Person]) -> tuple[dict[Person, UUID], list[Deactivation]]:
    """For whom these people act now, in any partner, and which of them are still to be deactivated."""
    if not people:
        return {}, []
    issuers, subjects = zip(*people, strict=True)
    taken, waiting = {}, []
    for issuer, subject, partner_id, removed_at in await fetch(tx, _TAKEN, list(issuers), list(subjects)):
        if removed_at is None:
            taken[issuer, subject] = partner_id
        else:
            waiting.append(Deactivation(partner_id, issuer, subject, removed_at))
    return taken, waiting


async def load_deactivations(tx: Write, keys: Sequence[DeactivationKey]) -> list[Deactivation]:
    if not keys:
        return []
    columns = tuple(map(list, zip(*keys, strict=True)))
    return [Deactivation(*row) for row in await fetch(tx, _DEACTIVATIONS, *columns)]


async def save_members(tx: Write, changed: Mapping[Place, Member], new: Mapping[Place, Member]) -> None:
    if changed:
        columns = ([getattr(member, name) for member in changed.values()] for name in _CHANGED_COLUMNS)
        places = map(list, zip(*changed, strict=True))
        await tx.exec_driver_sql(_CHANGE, (*places, *columns))
    await insert(tx, "partner_contacts", [{"partner_id": place[0], **member.__dict__} for place, member in new.items()])


async def save_deactivations(tx: Write, settled: Sequence[Deactivation], new: Sequence[Deactivation]) -> None:
    if settled:
        await tx.exec_driver_sql(_SETTLE, tuple([getattr(d, name) for d in settled] for name in _SETTLED_COLUMNS))
    await insert(tx, "deactivations", [_row(deactivation) for deactivation in new])


def _row(deactivation: Deactivation) -> dict[str, Any]:
    due: datetime = deactivation.removed_at
    return {name: getattr(deactivation, name) for name in _SETTLED_COLUMNS} | {"next_try_at": due}
