"""From an approved partner to minted money: invoice, receipt, three people, a proof, and at the end a suspension."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deploy.demo.apart import apart
from deploy.demo.documents import pdf
from deploy.demo.partner import API, NOTES, upload
from deploy.demo.walk import UnexpectedAnswer, Walk

RECIPIENT = "0x52908400098527886e0f7030069857d2e4169ee7"


def mint_invoice(walk: Walk, partner_id: str, applicant: str, reviewer: str) -> None:
    """An invoice of this partner, minted and proven; then the partner is suspended and gets no more."""
    walk.title("The approved partner's invoice is minted")
    compliance = walk.token("compliance-1", "RoleCompliance")
    treasurer = walk.token("treasurer-1", "RoleSuperAdmin")
    wanted = {"amount": "1250.00", "currency": "USD", "recipient": RECIPIENT, "reference": f"deal {walk.run}"}
    with walk.step("a contact creates an invoice; money is a decimal string"):
        walk.refused("POST", f"{API}/invoices", applicant, "AMOUNT_INVALID", {**wanted, "amount": "1250.001"})
        invoice = walk.call("POST", f"{API}/invoices", applicant, 201, wanted)
    path = f"{API}/invoices/{invoice['id']}"
    with walk.step("the receipt goes to the store like a document, and backs this one invoice"):
        key = upload(walk, applicant, "receipt", pdf(f"receipt of {walk.run}"), partner_id)["object_key"]
        invoice = walk.call("POST", f"{path}/receipt", applicant, 200, {"object_key": key})
    with walk.step("compliance approves amount and recipient"):
        invoice = walk.call("POST", f"{path}/approve", compliance, 200, {"notes": NOTES}, invoice["etag"])
    with walk.step("a third person signs and submits; the gate is asked once more, the token signs, the node takes it"):
        signing = f"/ops/otc/invoices/{invoice['id']}/sign-and-submit"
        walk.refused("POST", signing, treasurer, "VALIDATION_FAILED", {"amount": "9999.00"})
        invoice = walk.call("POST", signing, treasurer, 200, {})
    walk.note(f"{invoice['state']}, digest {invoice['voucher']['digest'][:16]}…")
    with walk.step("the node has minted it"):
        minted = _until(walk, path, applicant, "MINTED")
    walk.note(f"{minted['amount']} {minted['currency']} in transaction {minted['voucher']['tx_hash'][:18]}…")
    _prove(walk, path, applicant)
    _suspend(walk, partner_id, applicant, reviewer, wanted)


def _until(walk: Walk, path: str, token: str, state: str) -> dict[str, Any]:
    for _ in range(100):
        invoice = walk.call("GET", path, token, 200)
        if invoice["state"] == state:
            return invoice
        time.sleep(0.1)
    raise UnexpectedAnswer(f"the invoice did not become {state} within 10 s")


def _prove(walk: Walk, path: str, token: str) -> None:
    with TemporaryDirectory(prefix="gatehouse-demo-") as folder:
        bundle, forged, keys = (Path(folder) / name for name in ("voucher.json", "forged.json", "keys.json"))
        with walk.step("its proof bundle is checked by another process that has only public keys"):
            bundle.write_bytes(walk.proof(f"{path}/voucher", token))
            keys.write_bytes(walk.download("/.well-known/jwks.json"))
            walk.note(apart("voucher", "verify", str(bundle), "--key", str(keys), expect=0))
        with walk.step("one changed byte, and it says which link broke"):
            forged.write_bytes(bundle.read_bytes().replace(b'"payload":"', b'"payload":"A', 1))
            walk.note(apart("voucher", "verify", str(forged), "--key", str(keys), expect=1))


def _suspend(walk: Walk, partner_id: str, applicant: str, reviewer: str, wanted: dict[str, Any]) -> None:
    partner = walk.call("GET", f"{API}/partners/{partner_id}", reviewer, 200)
    decision = {"notes": NOTES, "dossier_version": partner["dossier"]["version"], "reason_code": "RISK_REVIEW"}
    with walk.step("rejecting an approved partner suspends it, and it bites at once"):
        walk.call("POST", f"{API}/partners/{partner_id}/reject", reviewer, 200, decision, partner["etag"])
        walk.refused("POST", f"{API}/invoices", applicant, "PARTNER_NOT_APPROVED", wanted)
