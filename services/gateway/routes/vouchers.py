"""Sign-and-submit, and the proof bundle: what the owner holds and what the log says of it, put together."""

import base64
from hashlib import sha256
from uuid import UUID

import rfc8785
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from contracts.audit import ProofBundle, ProveEvents
from contracts.failures import Code
from contracts.invoices import InvoiceView
from contracts.vouchers import EvidenceEvent, GetVoucher, InclusionProof, SignInvoice, VoucherBundle, VoucherEvidence
from services.gateway.asking import ask
from services.gateway.problems import Failure
from services.gateway.routing import Route, Routes, caller_of, respond

SIGN = "/ops/otc/invoices/{invoice_id}/sign-and-submit"
BUNDLE = "/api/v1/invoices/{invoice_id}/voucher"

routes = Routes()


async def voucher_bundle(request: Request) -> Response:
    """Canonical JSON (RFC 8785), so that a changed byte anywhere is a changed document."""
    caller, dispatcher = caller_of(request), request.app.state.dispatcher
    try:
        query = GetVoucher(invoice_id=UUID(request.path_params["invoice_id"]))
    except (ValidationError, ValueError) as error:
        raise Failure(Code.NOT_FOUND) from error
    owned = await ask(dispatcher, query, caller)
    if owned.status != 200:
        return respond(owned)
    evidence = VoucherEvidence.model_validate_json(owned.body)
    proven = await ask(dispatcher, ProveEvents(leaf_hashes=tuple(map(leaf_of, evidence.events))), caller)
    if proven.status == 404:
        raise Failure(Code.DEPENDENCY_UNAVAILABLE, "the log has not recorded all of it yet")
    if proven.status != 200:
        return respond(proven)
    bundle = _bundle(evidence, ProofBundle.model_validate_json(proven.body))
    headers = {"Cache-Control": "no-store"}
    return Response(rfc8785.dumps(bundle.model_dump(mode="json")), 200, headers, media_type="application/json")


def leaf_of(event: EvidenceEvent) -> str:
    raw = base64.b64decode(event.raw)
    return sha256(b"\x00" + raw).hexdigest()


def _bundle(evidence: VoucherEvidence, proof: ProofBundle) -> VoucherBundle:
    by_leaf = {one.leaf_hash: one for one in proof.proofs}
    proofs = tuple(
        InclusionProof(leaf_hash=leaf, position=by_leaf[leaf].position, path=by_leaf[leaf].path)
        for leaf in map(leaf_of, evidence.events)
    )
    return VoucherBundle(**evidence.model_dump(), checkpoint=proof.checkpoint, tree_size=proof.size, proofs=proofs)


routes.command("POST", SIGN, SignInvoice, InvoiceView)
routes.add(Route("GET", BUNDLE, GetVoucher, VoucherBundle, 200), voucher_bundle)
