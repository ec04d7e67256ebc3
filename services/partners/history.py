"""What a partner's past looks like: decisions, dossier versions, the timeline of its events."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from contracts.decisions import ApprovalPage, ApprovalView, Verdict
from contracts.legal_holds import PartnerHeld, PartnerReleased
from contracts.partners import ContactView, DocumentView, DossierPage, FiledDossierView, TimelineEntry, TimelinePage
from services.chassis import Read, fetch, fetch_dicts

VERSIONS_SHOWN = 100
_HOLDS = (PartnerHeld.type, PartnerReleased.type)
_APPROVALS = """
    SELECT id, decision, notes, internal_notes, reason_code, evidence, fields, dossier_version,
           decided_by, proposed_by, decided_at
    FROM partner_approvals WHERE partner_id = $1 ORDER BY decided_at, id
"""
_FILED = """
    SELECT version, filed_by, filed_at, roster FROM dossiers
    WHERE partner_id = $1 AND ($2::int IS NULL OR version = $2) ORDER BY version DESC LIMIT $3
"""
_DOCUMENTS = """
    SELECT dossier_version, kind, object_key, size, sha256, version_id, uploaded_by, uploaded_at
    FROM dossier_documents WHERE partner_id = $1 AND dossier_version = ANY($2::int[]) ORDER BY dossier_version, kind
"""
_TIMELINE = """
    SELECT value FROM outbox WHERE aggregate_id = $1 AND version > $2 AND ($4 OR topic <> ALL($5::text[]))
    ORDER BY version LIMIT $3
"""


async def approvals(read: Read, partner_id: UUID, *, insider: bool) -> ApprovalPage:
    """K4: internal notes never reach the partner."""
    rows = await fetch_dicts(read, _APPROVALS, partner_id)
    hidden = {} if insider else {"internal_notes": None}
    return ApprovalPage(data=tuple(_approval({**row, **hidden}) for row in rows), has_more=False)


async def dossiers(read: Read, partner_id: UUID) -> DossierPage:
    """Every version, oldest first; of very many the newest ones, and the others by their number."""
    rows = await fetch_dicts(read, _FILED, partner_id, None, VERSIONS_SHOWN + 1)
    shown = await _filed(read, partner_id, rows[:VERSIONS_SHOWN])
    return DossierPage(data=tuple(reversed(shown)), has_more=len(rows) > VERSIONS_SHOWN)


async def dossier(read: Read, partner_id: UUID, version: int) -> FiledDossierView | None:
    rows = await fetch_dicts(read, _FILED, partner_id, version, 1)
    return next(iter(await _filed(read, partner_id, rows)), None)


async def timeline(read: Read, partner_id: UUID, after: int, limit: int, *, insider: bool) -> TimelinePage:
    """The events as subscribers got them, without addresses (S1.46); legal holds are no business of the partner's."""
    rows = await fetch(read, _TIMELINE, partner_id, after, limit + 1, insider, list(_HOLDS))
    entries = tuple(_entry(orjson.loads(row.value)) for row in rows[:limit])
    return TimelinePage(data=entries, has_more=len(rows) > limit)


def _approval(row: Mapping[str, Any]) -> ApprovalView:
    lists = {name: tuple(row[name]) for name in ("evidence", "fields")}
    return ApprovalView(**{**row, **lists, "decision": Verdict(row["decision"])})


async def _filed(read: Read, partner_id: UUID, rows: Sequence[dict[str, Any]]) -> list[FiledDossierView]:
    documents: dict[int, list[DocumentView]] = {row["version"]: [] for row in rows}
    for found in await fetch_dicts(read, _DOCUMENTS, partner_id, list(documents)):
        documents[found.pop("dossier_version")].append(DocumentView(**found))
    return [
        FiledDossierView(
            version=row["version"],
            documents=tuple(documents[row["version"]]),
            filed_by=row["filed_by"],
            filed_at=row["filed_at"],
            contacts=tuple(ContactView(**contact) for contact in row["roster"]),
        )
        for row in rows
    ]


def _entry(event: Mapping[str, Any]) -> TimelineEntry:
    return TimelineEntry.model_validate(
        {
            "id": event["id"],
            "type": event["type"],
            "aggregate_version": event["aggregate_version"],
            "actor_type": event["actor"]["type"],
            "actor": event["actor"]["subject"],
            "occurred_at": event["occurred_at"],
            "data": event["data"],
        },
        strict=False,
    )
