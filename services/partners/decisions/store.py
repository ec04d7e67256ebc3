"""Decisions, proposals of them, and the allowlist's record in PostgreSQL."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from contracts.decisions import Verdict
from services.chassis import Read, Write, fetch_dicts, insert
from services.partners.decisions.root_admins import ALLOWLIST_ID, RootAdmins
from services.partners.records import Approval, Proposal

_PROPOSALS = """
    SELECT id, partner_id, verdict, dossier_version, notes, internal_notes, reason_code, evidence,
           proposed_by_issuer, proposed_by, proposed_at
    FROM approval_proposals WHERE partner_id = ANY($1::uuid[]) AND closed_at IS NULL
"""
_CLOSE = """
    UPDATE approval_proposals p SET closed_at = n.closed_at, closed_as = n.closed_as
    FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS n(id, closed_at, closed_as) WHERE p.id = n.id
"""
_ALLOWLIST = "SELECT version, subjects FROM root_admins WHERE id = $1 FOR UPDATE"
_SAVE_ALLOWLIST = """
    INSERT INTO root_admins (id, version, subjects) VALUES ($1, $2, $3::jsonb)
    ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version, subjects = EXCLUDED.subjects
"""


async def load_proposals(connection: Read | Write, partner_ids: Sequence[UUID]) -> list[Proposal]:
    """The open ones; at most one a partner."""
    rows = await fetch_dicts(connection, _PROPOSALS, list(partner_ids))
    return [Proposal(**{**row, "verdict": Verdict(row["verdict"]), "evidence": tuple(row["evidence"])}) for row in rows]


async def save_proposals(tx: Write, closed: Sequence[Proposal], new: Sequence[Proposal]) -> None:
    """Closes first: a partner may have one open proposal."""
    if closed:
        columns = ("id", "closed_at", "closed_as")
        await tx.exec_driver_sql(_CLOSE, tuple([getattr(p, name) for p in closed] for name in columns))
    await insert(tx, "approval_proposals", [_row(proposal) for proposal in new])


async def save_approvals(tx: Write, approvals: Sequence[Approval]) -> None:
    rows = [{**_row(approval), "fields": orjson.dumps(approval.fields).decode()} for approval in approvals]
    await insert(tx, "partner_approvals", rows)


async def load_allowlist(tx: Write) -> RootAdmins:
    rows = await fetch_dicts(tx, _ALLOWLIST, ALLOWLIST_ID)
    found = [RootAdmins(version=row["version"], subjects=tuple(row["subjects"])) for row in rows]
    return found[0] if found else RootAdmins()


async def save_allowlist(tx: Write, allowlist: RootAdmins) -> None:
    subjects = orjson.dumps(allowlist.subjects).decode()
    await tx.exec_driver_sql(_SAVE_ALLOWLIST, (allowlist.id, allowlist.version, subjects))


def _row(thing: Approval | Proposal) -> dict[str, Any]:
    row = {name: getattr(thing, name) for name in thing.__dataclass_fields__}
    return {**row, "evidence": orjson.dumps(thing.evidence).decode()}
