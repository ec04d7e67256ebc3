"""A voucher: the exact bytes that are signed once and sent unchanged, and what became of them (K15, K16)."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import rfc8785
from uuid_utils.compat import uuid7

from contracts.failures import Code
from contracts.invoices import VoucherState, VoucherView
from contracts.money import format_amount
from contracts.partners import DocumentFact
from contracts.vouchers import Manifest, ManifestDocument, VoucherDocument
from services.chassis import Call
from services.partners.invoices.invoice import Invoice

_V = VoucherState
PENDING = frozenset({_V.PREPARED, _V.SIGNED, _V.UNKNOWN})
"""Not submitted for certain, so it may still be voided."""


@dataclass(kw_only=True, slots=True)
class Voucher:
    """One an invoice, ever; `payload` and `manifest` are canonical JSON (RFC 8785)."""

    id: UUID
    invoice_id: UUID
    partner_id: UUID
    state: VoucherState
    payload: bytes
    digest: str
    nonce: str
    manifest: bytes
    approval_id: UUID
    dossier_version: int
    requested_by_issuer: str
    requested_by: str
    command_id: UUID
    created_at: datetime
    expires_at: datetime
    next_try_at: datetime
    signature: bytes | None = None
    signed_at: datetime | None = None
    tx_hash: str | None = None
    void_code: str | None = None

    @classmethod
    def prepare(cls, invoice: Invoice, approval_id: UUID, manifest: Manifest, call: Call, life: timedelta) -> "Voucher":
        """Everything that will be signed, fixed before anything leaves."""
        voucher_id, nonce, expires_at = uuid7(), secrets.token_hex(32), call.now + life
        encoded = canonical(manifest)
        document = VoucherDocument(
            voucher_id=str(voucher_id),
            invoice_id=str(invoice.id),
            partner_id=str(invoice.partner_id),
            amount=format_amount(invoice.amount, invoice.currency),
            currency=invoice.currency,
            recipient=invoice.recipient,
            approval_id=str(approval_id),
            invoice_approved_by=invoice.approved_by or "",
            dossier_version=manifest.dossier_version,
            manifest_sha256=hashlib.sha256(encoded).hexdigest(),
            nonce=nonce,
            issued_at=stamp(call.now),
            expires_at=stamp(expires_at),
        )
        payload = canonical(document)
        return cls(
            id=voucher_id,
            invoice_id=invoice.id,
            partner_id=invoice.partner_id,
            state=_V.PREPARED,
            payload=payload,
            digest=hashlib.sha256(payload).hexdigest(),
            nonce=nonce,
            manifest=encoded,
            approval_id=approval_id,
            dossier_version=manifest.dossier_version,
            requested_by_issuer=call.actor.issuer,
            requested_by=call.actor.subject,
            command_id=call.context.command_id,
            created_at=call.now,
            expires_at=expires_at,
            next_try_at=call.now,
        )

    def sign(self, signature: str, now: datetime) -> None:
        self.state, self.signature, self.signed_at = _V.SIGNED, base64.b64decode(signature), now

    def void(self, code: Code) -> None:
        """It will never be submitted."""
        self.state, self.void_code = _V.VOIDED, code.value

    def fail(self, code: Code) -> None:
        """The node took it and gave up on it."""
        self.state, self.void_code = _V.FAILED, code.value

    def view(self) -> VoucherView:
        return VoucherView(
            id=self.id,
            state=self.state,
            digest=self.digest,
            nonce=self.nonce,
            approval_id=self.approval_id,
            dossier_version=self.dossier_version,
            signed_at=self.signed_at,
            tx_hash=self.tx_hash,
            expires_at=self.expires_at,
            void_reason=self.void_code,
        )


def manifest_of(partner_id: UUID, dossier_version: int, documents: Sequence[DocumentFact]) -> Manifest:
    """The reviewed dossier as it is signed for, in one order."""
    rows = tuple(
        ManifestDocument(kind=d.kind, object_key=d.object_key, size=d.size, sha256=d.sha256, version_id=d.version_id)
        for d in sorted(documents, key=lambda d: d.kind)
    )
    return Manifest(partner_id=str(partner_id), dossier_version=dossier_version, documents=rows)


def canonical(document: Manifest | VoucherDocument) -> bytes:
    return rfc8785.dumps(document.model_dump(mode="json"))


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, whole seconds: the node compares it with its own clock."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
