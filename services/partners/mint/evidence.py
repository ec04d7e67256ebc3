"""The reviewed documents, looked at again: quickly before SIGNING, byte for byte before the token is asked (K10)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.vouchers import Manifest
from services.chassis import Read, fetch
from services.partners.dossiers.documents import DocumentStore
from services.partners.dossiers.evidence import AWAY, Finding, Missing

_KEYS = """
    SELECT d.object_key FROM invoices i JOIN partners p ON p.id = i.partner_id
        JOIN dossier_documents d ON d.partner_id = p.id AND d.dossier_version = p.approved_dossier_version
    WHERE i.id = ANY($1::uuid[])
    UNION SELECT receipt_object_key FROM invoices WHERE id = ANY($1::uuid[]) AND receipt_object_key IS NOT NULL
"""


class Wrong(NamedTuple):
    """A document is not the reviewed one."""

    why: str


class Reviewed:
    def __init__(self, engine: AsyncEngine, documents: DocumentStore) -> None:
        self._engine, self._documents = engine, documents

    async def inspect(self, invoice_ids: Sequence[UUID]) -> Mapping[str, Finding]:
        """What the store says now of everything these invoices rest on: newest version, hash, size."""
        if not invoice_ids:
            return {}
        async with self._engine.connect() as connection:
            keys = [row.object_key for row in await fetch(Read(connection), _KEYS, list(invoice_ids))]
        return await self._documents.inspect(keys)

    async def differs(self, manifest: Manifest) -> Wrong | str | None:
        """Read every reviewed object whole and hash it; a string when the store is away."""
        for document in manifest.documents:
            found = await self._documents.digest(document.object_key, document.version_id)
            if found is AWAY:
                return "the document store is away"
            if isinstance(found, Missing):
                return Wrong(f"{document.object_key} is gone")
            if found != document.sha256:
                return Wrong(f"{document.object_key} does not have the reviewed bytes")
        return None
