"""A proof bundle made from nothing but keys: the events of one partner and one invoice in a log of our own."""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson
import rfc8785
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from contracts.vouchers import Manifest, ManifestDocument, VoucherDocument
from deploy.voucher_proof import Keys
from services.audit.merkle import inclusion_proof, leaf_hash, node_hash
from services.audit.note import Signer

PARTNER, INVOICE, VOUCHER = "01a2-partner", "01a2-invoice", "01a2-voucher"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
DOCUMENTS = tuple(
    ManifestDocument(kind=kind, object_key=f"partners/{kind}", size=9, sha256=kind[0] * 64, version_id="v1")
    for kind in ("kyb", "licensing")
)


def base64_of(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@dataclass(slots=True)
class Story:
    """Change a field before `file()` to tell a story that does not hold; everything is signed afterwards."""

    terms: dict[str, Any] = field(default_factory=lambda: {"amount": "1250.00", "currency": "USD", "recipient": "0x52"})
    voucher: dict[str, Any] = field(default_factory=dict)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    actors: dict[str, str] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    token: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    log: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def keys(self) -> Keys:
        return Keys(self.token.public_key(), self.log.public_key())

    def bundle(self) -> dict[str, Any]:
        manifest = rfc8785.dumps(
            Manifest(partner_id=PARTNER, dossier_version=1, documents=DOCUMENTS).model_dump(mode="json")
        )
        payload = rfc8785.dumps(self._document(manifest).model_dump(mode="json"))
        signature = base64_of(self._signed(payload))
        raws = self._events(hashlib.sha256(payload).hexdigest(), signature)
        leaves = [leaf_hash(raw) for raw in (b"another event", *raws, b"one more")]
        note = Signer("gatehouse.test/audit", self.log).checkpoint(len(leaves), _root(leaves, 0, len(leaves)))
        proofs = [
            {
                "leaf_hash": leaves[n].hex(),
                "position": n,
                "path": [step.hex() for step in inclusion_proof(lambda a, b: _root(leaves, a, b), n, len(leaves))],
            }
            for n in range(1, len(leaves) - 1)
        ]
        return {
            "payload": base64_of(payload),
            "signature": signature,
            "manifest": base64_of(manifest),
            "events": [{"type": orjson.loads(raw)["type"], "raw": base64_of(raw)} for raw in raws],
            "checkpoint": note,
            "tree_size": len(leaves),
            "proofs": proofs,
        }

    def file(self) -> bytes:
        return rfc8785.dumps(self.bundle())

    def _document(self, manifest: bytes) -> VoucherDocument:
        fields = {
            "voucher_id": VOUCHER,
            "invoice_id": INVOICE,
            "partner_id": PARTNER,
            **self.terms,
            "approval_id": "a-1",
            "invoice_approved_by": "carl",
            "dossier_version": 1,
            "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
            "nonce": "n" * 64,
            "issued_at": "2026-11-24T12:00:00Z",
            "expires_at": "2026-11-24T12:15:00Z",
        }
        return VoucherDocument.model_validate(fields | self.voucher)

    def _signed(self, payload: bytes) -> bytes:
        r, s = decode_dss_signature(self.token.sign(payload, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + min(s, ORDER - s).to_bytes(32, "big")

    def _events(self, digest: str, signature: str) -> list[bytes]:
        terms = {"partner_id": PARTNER, **self.terms}
        voucher = {"partner_id": PARTNER, "voucher_id": VOUCHER, "digest": digest}
        signing = {"nonce": "n" * 64, "approval_id": "a-1", "dossier_version": 1}
        told = {
            "partner.submitted": {"dossier_version": 1, "documents": [d.model_dump() for d in DOCUMENTS]},
            "partner.approved": {"approval_id": "a-1", "dossier_version": 1, "state": "APPROVED"},
            "invoice.approved": terms,
            "invoice.signing": {**terms, **voucher, **signing},
            "voucher.signed": {**voucher, "signature": signature},
        }
        return [
            orjson.dumps(
                {
                    "type": kind,
                    "aggregate_id": PARTNER if kind.startswith("partner") else INVOICE,
                    "actor": {"subject": self.actors.get(kind, "carl" if kind == "invoice.approved" else "sue")},
                    "outcome": "SUCCEEDED",
                    "data": {**data, **self.events.get(kind, {})},
                }
            )
            for kind, data in told.items()
            if kind not in self.left_out
        ]


def _root(leaves: list[bytes], start: int, end: int) -> bytes:
    """MTH of RFC 6962 §2.1, by its definition."""
    if end - start == 1:
        return leaves[start]
    middle = start + (1 << (end - start - 1).bit_length() - 1)
    return node_hash(_root(leaves, start, middle), _root(leaves, middle, end))
