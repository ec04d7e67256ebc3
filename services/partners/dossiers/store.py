"""Uploads and dossier versions in PostgreSQL."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from services.chassis import Read, Write, fetch, fetch_dicts, insert
from services.partners.dossiers.upload import Upload
from services.partners.records import Document, Filing, Member, Person

_UPLOADS = """
    SELECT id, object_key, partner_id, document, content_type, size, sha256, issuer, subject, created_at, expires_at
    FROM uploads WHERE partner_id = ANY($1::uuid[]) AND document <> 'receipt' ORDER BY created_at, id
"""
_DOCUMENTS = """
    SELECT d.partner_id, d.kind, d.object_key, d.size, d.sha256, d.version_id,
           d.uploaded_by, d.uploaded_at, d.uploaded_by_issuer
    FROM dossier_documents d JOIN partners p ON p.id = d.partner_id AND p.dossier_version = d.dossier_version
    WHERE d.partner_id = ANY($1::uuid[]) ORDER BY d.partner_id, d.kind
"""
_MAKERS = """
    SELECT partner_id, filed_by_issuer, filed_by FROM dossiers WHERE partner_id = ANY($1::uuid[])
    UNION
    SELECT partner_id, uploaded_by_issuer, uploaded_by FROM dossier_documents WHERE partner_id = ANY($1::uuid[])
"""
SNAPSHOT = ("name", "email", "phone", "role", "issuer", "subject")
"""What a dossier version keeps of each person of its roster."""


async def load_uploads(tx: Write, partner_ids: Sequence[UUID]) -> list[Upload]:
    """All documents uploaded under these partners' prefixes, oldest first; a partner may have years of receipts."""
    if not partner_ids:
        return []
    rows = await fetch_dicts(tx, _UPLOADS, list(partner_ids))
    return [Upload(**row, version=1) for row in rows]


async def load_documents(connection: Read | Write, partner_ids: Sequence[UUID]) -> Iterator[tuple[UUID, Document]]:
    """The documents in force, by kind."""
    rows = await fetch_dicts(connection, _DOCUMENTS, list(partner_ids))
    return ((row.pop("partner_id"), Document(**row)) for row in rows)


async def load_makers(tx: Write, partner_ids: Sequence[UUID]) -> Iterator[tuple[UUID, Person]]:
    """Who filed or uploaded anything of any version (K7)."""
    rows = await fetch(tx, _MAKERS, list(partner_ids))
    return ((partner_id, (issuer, subject)) for partner_id, issuer, subject in rows)


async def save_uploads(tx: Write, uploads: Sequence[Upload]) -> None:
    names = tuple(name for name in Upload.__dataclass_fields__ if name not in ("version", "kind"))
    await insert(tx, "uploads", [{name: getattr(upload, name) for name in names} for upload in uploads])


async def save_filings(tx: Write, filings: Sequence[Filing]) -> None:
    await insert(tx, "dossiers", [_dossier(filing) for filing in filings])
    documents = [
        {"partner_id": f.partner_id, "dossier_version": f.version, **document.__dict__}
        for f in filings
        for document in f.documents
    ]
    await insert(tx, "dossier_documents", documents)


def _dossier(filing: Filing) -> Mapping[str, Any]:
    return {
        "partner_id": filing.partner_id,
        "version": filing.version,
        "filed_by_issuer": filing.filed_by_issuer,
        "filed_by": filing.filed_by,
        "filed_at": filing.filed_at,
        "roster": orjson.dumps([_snapshot(member) for member in filing.roster]).decode(),
    }


def _snapshot(member: Member) -> dict[str, str]:
    return {name: getattr(member, name) for name in SNAPSHOT}
