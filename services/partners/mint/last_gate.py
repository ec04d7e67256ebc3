"""The last gate: all that a voucher rests on, derived once more from the tables, under a lock that holds off a reject.

Invariant: while `held` is open and says nothing, the partner's row is share-locked, so a rejection, suspension or
changed dossier commits either before (and closes this gate) or after what is done inside. Whoever signs or submits
does it inside, within a short deadline (S1.30, S1.47).
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.failures import Code
from contracts.gate import Capability
from contracts.invoices import InvoiceState
from contracts.money import format_amount
from contracts.vouchers import VoucherDocument
from services.chassis import Write
from services.partners.gate import Closed, Policy, decide, facts_of
from services.partners.invoices.invoice import Invoice
from services.partners.invoices.store import load_invoices
from services.partners.mint.store import InForce, load_in_force, load_reviewed
from services.partners.mint.voucher import canonical, manifest_of, stamp
from services.partners.partner import Partner
from services.partners.records import Document
from services.partners.store_partners import load_partners

_HOLD = "SELECT FROM partners WHERE id = $1 FOR SHARE"
_PATIENCE = "SET LOCAL lock_timeout = '2s'"


class Obstacle(NamedTuple):
    """Why this voucher must never be signed or sent."""

    code: Code
    why: str


class LastGate:
    def __init__(self, engine: AsyncEngine, policy: Policy) -> None:
        self._engine, self._policy = engine, policy

    @asynccontextmanager
    async def held(self, document: VoucherDocument, now: datetime) -> AsyncIterator[Obstacle | None]:
        """The obstacle, or None and a lock that keeps it so until the block ends."""
        partner_id = document.partner_uuid
        async with self._engine.begin() as connection:
            tx = Write(connection)
            await tx.exec_driver_sql(_PATIENCE)
            await tx.exec_driver_sql(_HOLD, (partner_id,))
            partner = (await load_partners(tx, [partner_id], lock=False))[partner_id]
            invoice = (await load_invoices(tx, [document.invoice_uuid], lock=False))[document.invoice_uuid]
            in_force = (await load_in_force(tx, [partner_id])).get(partner_id)
            reviewed = (await load_reviewed(tx, [partner_id])).get(partner_id, [])
            yield self._obstacle(document, partner, invoice, in_force, reviewed, now)

    def _obstacle(  # noqa: PLR0913, PLR0917 - each is one of the facts it rests on
        self,
        document: VoucherDocument,
        partner: Partner,
        invoice: Invoice,
        in_force: InForce | None,
        reviewed: list[Document],
        now: datetime,
    ) -> Obstacle | None:
        if stamp(now) >= document.expires_at:
            return Obstacle(Code.VOUCHER_EXPIRED, f"it was good until {document.expires_at}")
        verdict = decide(facts_of(partner), self._policy, Capability.VOUCHER_MINT, now)
        if isinstance(verdict, Closed):
            return Obstacle(verdict.code, verdict.next_action)
        approved = (document.approval_id, document.dossier_version)
        if in_force is None or approved != (str(in_force.id), partner.approved_dossier_version):
            return Obstacle(Code.PARTNER_NOT_APPROVED, "the approval it names is not the one in force")
        manifest = manifest_of(partner.id, document.dossier_version, reviewed)
        if hashlib.sha256(canonical(manifest)).hexdigest() != document.manifest_sha256:
            return Obstacle(Code.EVIDENCE_TAMPERED, "the reviewed dossier is not the one it names")
        if _named(document) != _stored(invoice):
            return Obstacle(Code.INVOICE_STATE_INVALID, "it does not say what was approved")
        return None


def _named(document: VoucherDocument) -> tuple[object, ...]:
    return (
        document.invoice_id,
        document.partner_id,
        document.amount,
        document.currency,
        document.recipient,
        document.invoice_approved_by,
        InvoiceState.SIGNING,
    )


def _stored(invoice: Invoice) -> tuple[object, ...]:
    return (
        str(invoice.id),
        str(invoice.partner_id),
        format_amount(invoice.amount, invoice.currency),
        invoice.currency,
        invoice.recipient,
        invoice.approved_by,
        invoice.state,
    )
