"""The parts of a proof bundle that this service owns: exact bytes, signature, and the events the log has of them."""

import base64
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from contracts.decisions import PartnerApproved, PartnerReinstated
from contracts.failures import Code
from contracts.invoices import InvoiceApproved, InvoiceMinted, InvoiceSigning, InvoiceSubmitted
from contracts.message import Query
from contracts.partner_events import PartnerDossierFiled, PartnerSubmitted
from contracts.vouchers import EvidenceEvent, GetVoucher, VoucherEvidence, VoucherSigned
from services.chassis import Call, Outcome, Read, Refusal, Reply, fetch
from services.chassis.queries import QueryHandler
from services.partners.invoices.queries import visible_invoice
from services.partners.mint.store import load_vouchers
from services.partners.mint.voucher import Voucher

OF_INVOICE = (InvoiceApproved.type, InvoiceSigning.type, VoucherSigned.type, InvoiceSubmitted.type, InvoiceMinted.type)
APPROVALS = (PartnerApproved.type, PartnerReinstated.type)
FILINGS = (PartnerSubmitted.type, PartnerDossierFiled.type)

_OF_INVOICE = "SELECT topic, value FROM outbox WHERE aggregate_id = $1 AND topic = ANY($2::text[]) ORDER BY version"
_OF_PARTNER = """
    SELECT topic, value FROM outbox, LATERAL (SELECT convert_from(value, 'UTF8')::json -> 'data' AS data) AS facts
    WHERE aggregate_id = $1 AND ((topic = ANY($2::text[]) AND data ->> 'approval_id' = $3)
        OR (topic = ANY($4::text[]) AND data ->> 'dossier_version' = $5)) ORDER BY version
"""


async def get_voucher(query: GetVoucher, call: Call, read: Read) -> Outcome:
    if await visible_invoice(query.invoice_id, call, read) is None:
        return Refusal(Code.NOT_FOUND)
    voucher = (await load_vouchers(read, [query.invoice_id])).get(query.invoice_id)
    if voucher is None or voucher.signature is None:
        return Refusal(Code.INVOICE_STATE_INVALID, "nothing has been signed for this invoice")
    return Reply(200, _evidence(voucher, await _events(voucher, read)))


async def _events(voucher: Voucher, read: Read) -> Sequence[Any]:
    approval, version = str(voucher.approval_id), str(voucher.dossier_version)
    args: tuple[UUID, list[str], str, list[str], str] = (
        voucher.partner_id,
        list(APPROVALS),
        approval,
        list(FILINGS),
        version,
    )
    partner = await fetch(read, _OF_PARTNER, *args)
    return [*partner, *await fetch(read, _OF_INVOICE, voucher.invoice_id, list(OF_INVOICE))]


def _evidence(voucher: Voucher, events: Sequence[Any]) -> VoucherEvidence:
    return VoucherEvidence(
        payload=_base64(voucher.payload),
        signature=_base64(voucher.signature or b""),
        manifest=_base64(voucher.manifest),
        events=tuple(EvidenceEvent(type=topic, raw=_base64(value)) for topic, value in events),
    )


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


QUERIES: dict[type[Query], QueryHandler] = {GetVoucher: get_voucher}
