"""Partners in PostgreSQL, by sets: constant number of statements for a batch of any size."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from contracts.partners import ContactView, PartnerState
from services.chassis import Read, Write, fetch, fetch_dicts, insert
from services.partners.book import Book
from services.partners.partner import Approval, Document, Partner, Person
from services.partners.upload import Upload

_NOT_STORED_YET = ("approved_dossier_version", "rereview_due_at", "rejected_final", "fields_requested", "proposals")
_PARTNERS = """
    SELECT id, version, state, name, legal_name, dossier_version, created_at, updated_at, approved_at, approved_by
    FROM partners WHERE id = ANY($1::uuid[]) ORDER BY id
"""
_CONTACTS = """
    SELECT partner_id, name, email, phone, role, issuer, subject, status
    FROM partner_contacts WHERE partner_id = ANY($1::uuid[]) ORDER BY partner_id, position
"""
_DOCUMENTS = """
    SELECT d.partner_id, d.kind, d.object_key, d.size, d.sha256, d.version_id,
           d.uploaded_by, d.uploaded_at, d.uploaded_by_issuer
    FROM dossier_documents d JOIN partners p ON p.id = d.partner_id AND p.dossier_version = d.dossier_version
    WHERE d.partner_id = ANY($1::uuid[]) ORDER BY d.partner_id, d.kind
"""
_UPLOADS = """
    SELECT id, object_key, partner_id, document, content_type, size, sha256, issuer, subject, created_at, expires_at
    FROM uploads WHERE partner_id = ANY($1::uuid[]) ORDER BY created_at, id
"""
_TAKEN = """
    SELECT c.issuer, c.subject, c.partner_id FROM partner_contacts c
    JOIN unnest($1::text[], $2::text[]) AS wanted(issuer, subject) USING (issuer, subject)
    WHERE c.status = 'ACTIVE'
"""
_UPDATE = """
    UPDATE partners p SET version = n.version, state = n.state, updated_at = n.updated_at,
        approved_at = n.approved_at, approved_by = n.approved_by
    FROM unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[])
        AS n(id, version, state, updated_at, approved_at, approved_by)
    WHERE p.id = n.id
"""


async def load_partners(connection: Read | Write, ids: Sequence[UUID], *, lock: bool) -> dict[UUID, Partner]:
    """Partners with their roster and current dossier; locked in id order, so batches cannot deadlock on them."""
    if not ids:
        return {}
    statement = _PARTNERS + ("FOR UPDATE" if lock else "")
    rows = await fetch_dicts(connection, statement, list(ids))
    partners = {row["id"]: Partner(**{**row, "state": PartnerState(row["state"])}) for row in rows}
    if partners:
        found = list(partners)
        for row in await fetch_dicts(connection, _CONTACTS, found):
            partners[row["partner_id"]].contacts.append(ContactView(**_without_owner(row)))
        for row in await fetch_dicts(connection, _DOCUMENTS, found):
            partners[row["partner_id"]].documents.append(Document(**_without_owner(row)))
    return partners


def _without_owner(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "partner_id"}


async def load_uploads(tx: Write, partner_ids: Sequence[UUID]) -> list[Upload]:
    """All uploads under these partners' prefixes, oldest first."""
    rows = await fetch_dicts(tx, _UPLOADS, list(partner_ids))
    return [Upload(**row, version=1) for row in rows]


async def load_taken(tx: Write, people: Sequence[Person]) -> dict[Person, UUID]:
    """Which of these people act for a partner already, in any partner."""
    if not people:
        return {}
    issuers, subjects = zip(*people, strict=True)
    rows = await fetch(tx, _TAKEN, list(issuers), list(subjects))
    return {(issuer, subject): partner_id for issuer, subject, partner_id in rows}


async def save(tx: Write, book: Book) -> None:
    """Write everything the batch made or changed."""
    await insert(tx, "uploads", [_row(upload, "version") for upload in book.new_uploads])
    await _insert_partners(tx, book.new_partners)
    new = {partner.id for partner in book.new_partners}
    changed = [partner for partner in book.decided.values() if partner.id not in new]
    if changed:
        columns = ("id", "version", "state", "updated_at", "approved_at", "approved_by")
        await tx.exec_driver_sql(_UPDATE, tuple([getattr(p, name) for p in changed] for name in columns))
    await insert(tx, "partner_approvals", [_row(approval) for approval in book.approvals])


async def _insert_partners(tx: Write, partners: Sequence[Partner]) -> None:
    await insert(tx, "partners", [_row(p, "contacts", "documents", *_NOT_STORED_YET) for p in partners])
    contacts = [
        {"partner_id": p.id, "position": n, "added_at": p.created_at, **contact.model_dump()}
        for p in partners
        for n, contact in enumerate(p.contacts)
    ]
    await insert(tx, "partner_contacts", contacts)
    dossiers = [
        {"partner_id": p.id, "version": 1, "filed_by": p.documents[0].uploaded_by, "filed_at": p.created_at}
        for p in partners
    ]
    await insert(tx, "dossiers", dossiers)
    documents = [{"partner_id": p.id, "dossier_version": 1, **d.model_dump()} for p in partners for d in p.documents]
    await insert(tx, "dossier_documents", documents)


def _row(thing: Upload | Partner | Approval, *left_out: str) -> dict[str, Any]:
    names = (name for name in (f.name for f in fields(thing)) if name not in left_out)
    return {name: getattr(thing, name) for name in names}
