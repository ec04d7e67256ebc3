"""Partners in PostgreSQL: their own rows, and all that belongs to them put together."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from contracts.partners import PartnerState
from services.chassis import Read, Write, fetch_dicts, insert
from services.partners.decisions.store import load_proposals
from services.partners.dossiers.store import load_documents, load_makers
from services.partners.partner import Partner
from services.partners.review.store import load_reviews
from services.partners.store_rosters import load_contacts

_MOVING = {
    "version": "int",
    "state": "text",
    "dossier_version": "int",
    "updated_at": "timestamptz",
    "approved_at": "timestamptz",
    "approved_by": "text",
    "approved_dossier_version": "int",
    "rereview_due_at": "timestamptz",
    "rejected_final": "boolean",
    "fields_requested": "jsonb",
    "held_at": "timestamptz",
}
_FIXED = ("id", "name", "legal_name", "created_at")
_COLUMNS = (*_FIXED, *_MOVING)
_PARTNERS = f"SELECT {', '.join(_COLUMNS)} FROM partners WHERE id = ANY($1::uuid[]) ORDER BY id"  # noqa: S608
_UPDATE = f"""
    UPDATE partners p SET {", ".join(f"{name} = n.{name}" for name in _MOVING)}
    FROM unnest($1::uuid[], {", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_MOVING.values(), 2))})
        AS n(id, {", ".join(_MOVING)})
    WHERE p.id = n.id
"""  # noqa: S608
_AS_STORED: dict[str, Callable[[Any], Any]] = {"fields_requested": lambda fields: orjson.dumps(fields).decode()}
_AS_KNOWN: dict[str, Callable[[Any], Any]] = {
    "fields_requested": tuple,
    "state": PartnerState,
}


async def load_partners(connection: Read | Write, ids: Sequence[UUID], *, lock: bool) -> dict[UUID, Partner]:
    """Partners with roster, dossier, open proposal and review; locked in id order, so batches cannot deadlock on them.

    Only a locked one knows its makers: who reads decides nothing.
    """
    if not ids:
        return {}
    rows = await fetch_dicts(connection, _PARTNERS + (" FOR UPDATE" if lock else ""), list(ids))
    partners = {row["id"]: Partner(**_known(row)) for row in rows}
    if partners:
        found = list(partners)
        for partner_id, member in await load_contacts(connection, found):
            partners[partner_id].contacts.append(member)
        for partner_id, document in await load_documents(connection, found):
            partners[partner_id].documents.append(document)
        for proposal in await load_proposals(connection, found):
            partners[proposal.partner_id].proposal = proposal
        for partner_id, clock in (await load_reviews(connection, found)).items():
            partners[partner_id].review = clock.view()
        if lock:
            for partner_id, person in await load_makers(Write(connection), found):
                partners[partner_id].makers.add(person)
    return partners


async def save_partners(tx: Write, new: Sequence[Partner], changed: Mapping[UUID, Partner]) -> None:
    await insert(tx, "partners", [{name: _stored(p, name) for name in _COLUMNS} for p in new])
    fresh = {partner.id for partner in new}
    moved = [partner for partner in changed.values() if partner.id not in fresh]
    if moved:
        columns = ("id", *_MOVING)
        await tx.exec_driver_sql(_UPDATE, tuple([_stored(p, name) for p in moved] for name in columns))


def _stored(partner: Partner, name: str) -> Any:
    value = getattr(partner, name)
    return _AS_STORED[name](value) if name in _AS_STORED else value


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _AS_KNOWN[name](value) if name in _AS_KNOWN else value for name, value in row.items()}
