"""Is this voucher what it says? Checked with nothing but a proof bundle and public keys: no network, no database.

The chain, link by link: the file is canonical, so that no byte of it is free; the log's key signed a checkpoint; every
event lies in the log under it; the events say which approval was in force on which dossier and who approved which
amount for whom; the voucher says the same; the voucher's key signed its bytes. The first link that does not hold is
named.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import orjson
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from contracts.vouchers import Manifest, VoucherBundle, VoucherDocument
from services.audit.merkle import leaf_hash, verify_inclusion
from services.audit.note import Checkpoint, NoteRefusedError, Verifier
from services.partners.mint.token import from_jwk, verify

APPROVALS = ("partner.approved", "partner.reinstated")
FILINGS = ("partner.submitted", "partner.dossier_filed")
NEEDED = ("invoice.approved", "invoice.signing", "voucher.signed")


class BrokenLink(Exception):
    """`link` names the first thing that does not hold."""

    def __init__(self, link: str, why: str) -> None:
        super().__init__(f"{link}: {why}")
        self.link, self.why = link, why


class Keys(NamedTuple):
    """Whom the verifier trusts: the token that signs vouchers, and the audit log."""

    voucher: EllipticCurvePublicKey
    log: Ed25519PublicKey

    @classmethod
    def from_jwks(cls, document: bytes) -> "Keys":
        """From the JWK Set that `/.well-known/jwks.json` publishes (kids `voucher` and `audit`)."""
        with _link("keys", ValueError, KeyError, TypeError):
            found = {key["kid"]: key for key in orjson.loads(document)["keys"]}
            x = base64.urlsafe_b64decode(found["audit"]["x"] + "=")
            return cls(from_jwk(found["voucher"]), Ed25519PublicKey.from_public_bytes(x))


class Proven(NamedTuple):
    """What holds once every link does."""

    document: VoucherDocument
    checkpoint: Checkpoint
    events: tuple[str, ...]


def prove(file: bytes, keys: Keys) -> Proven:
    """Raises BrokenLink."""
    bundle = _read(file)
    checkpoint = _checkpoint(bundle, keys.log)
    events = _events(bundle, checkpoint)
    payload = _bytes(bundle.payload, "voucher")
    document = _document(payload)
    _signature(payload, bundle, events, keys.voucher)
    _manifest(bundle, document, events)
    _approval(document, events)
    _invoice(document, payload, events)
    return Proven(document, checkpoint, tuple(event["type"] for event in events))


def _read(file: bytes) -> VoucherBundle:
    with _link("file", ValidationError, ValueError):
        parsed = orjson.loads(file)
        if rfc8785.dumps(parsed) != file:
            raise ValueError("it is not canonical JSON, so it is not the file that was handed out")
        return VoucherBundle.model_validate_json(file)


def _checkpoint(bundle: VoucherBundle, key: Ed25519PublicKey) -> Checkpoint:
    with _link("checkpoint", NoteRefusedError, ValueError):
        origin = bundle.checkpoint.partition("\n")[0]
        signed = Verifier(origin, key).checkpoint(bundle.checkpoint)
        if bundle.checkpoint.count("\n\n") != 1 or len(bundle.checkpoint.rpartition("\n\n")[2].splitlines()) != 1:
            raise ValueError("it has lines that nobody vouches for")
        if signed.size != bundle.tree_size:
            raise ValueError(f"it is about {signed.size} events, the bundle about {bundle.tree_size}")
        return signed


def _events(bundle: VoucherBundle, checkpoint: Checkpoint) -> list[dict[str, Any]]:
    """The events, each shown to lie in the log."""
    events = []
    if len(bundle.proofs) != len(bundle.events):
        raise BrokenLink("inclusion", "there is not one proof for each event")
    for event, proof in zip(bundle.events, bundle.proofs, strict=True):
        with _link(f"inclusion of {event.type}", ValueError):
            raw = _bytes(event.raw, f"inclusion of {event.type}")
            leaf, path = leaf_hash(raw), [bytes.fromhex(step) for step in proof.path]
            if proof.leaf_hash != leaf.hex() or [step.hex() for step in path] != list(proof.path):
                raise ValueError("the proof is about other bytes")
            if not verify_inclusion(leaf, proof.position, checkpoint.size, path, checkpoint.root):
                raise ValueError("the log does not hold these bytes")
            parsed = orjson.loads(raw)
            if parsed["type"] != event.type or parsed["outcome"] != "SUCCEEDED":
                raise ValueError(f"the bytes are of {parsed['type']}, {parsed['outcome']}")
            events.append(parsed)
    return events


def _document(payload: bytes) -> VoucherDocument:
    with _link("voucher", ValidationError, ValueError):
        document = VoucherDocument.model_validate_json(payload)
        if rfc8785.dumps(document.model_dump(mode="json")) != payload:
            raise ValueError("its bytes are not the canonical ones")
        return document


def _signature(
    payload: bytes, bundle: VoucherBundle, events: list[dict[str, Any]], key: EllipticCurvePublicKey
) -> None:
    if not verify(key, payload, _bytes(bundle.signature, "signature")):
        raise BrokenLink("signature", "the voucher's key did not sign these bytes")
    signed = _one(events, "voucher.signed")
    _same("signature", {"signature": bundle.signature, "digest": hashlib.sha256(payload).hexdigest()}, signed["data"])


def _manifest(bundle: VoucherBundle, document: VoucherDocument, events: list[dict[str, Any]]) -> None:
    """The reviewed documents are those that were filed, and those the voucher names."""
    encoded = _bytes(bundle.manifest, "dossier manifest")
    with _link("dossier manifest", ValidationError, ValueError):
        manifest = Manifest.model_validate_json(encoded)
        if hashlib.sha256(encoded).hexdigest() != document.manifest_sha256:
            raise ValueError("it is not the one the voucher names")
    told = {"partner_id": manifest.partner_id, "dossier_version": manifest.dossier_version}
    _same("dossier manifest", told, document.model_dump())
    filed = _one(events, *FILINGS)
    _same("dossier manifest", {"dossier_version": manifest.dossier_version}, filed["data"])
    in_log = {row["kind"]: (row["object_key"], row["sha256"], row["version_id"]) for row in filed["data"]["documents"]}
    named = {row.kind: (row.object_key, row.sha256, row.version_id) for row in manifest.documents}
    if in_log != named or filed["aggregate_id"] != document.partner_id:
        raise BrokenLink("dossier manifest", "other documents were filed")


def _approval(document: VoucherDocument, events: list[dict[str, Any]]) -> None:
    approval = _one(events, *APPROVALS)
    told = {"approval_id": document.approval_id, "dossier_version": document.dossier_version, "state": "APPROVED"}
    _same("approval", told, approval["data"])
    if approval["aggregate_id"] != document.partner_id:
        raise BrokenLink("approval", "it is of another partner")


def _invoice(document: VoucherDocument, payload: bytes, events: list[dict[str, Any]]) -> None:
    """What was approved is what is minted, and three people had a hand in it (K24)."""
    terms = {name: getattr(document, name) for name in ("partner_id", "amount", "currency", "recipient")}
    voucher = {"voucher_id": document.voucher_id, "digest": hashlib.sha256(payload).hexdigest()}
    for event in events:
        if event["type"].partition(".")[0] == "partner":
            continue
        if event["aggregate_id"] != document.invoice_id:
            raise BrokenLink("invoice", f"{event['type']} is of another invoice")
        expected = voucher if event["type"].startswith("voucher.") else terms
        _same("invoice", expected, event["data"])
    approved, signing = _one(events, "invoice.approved"), _one(events, "invoice.signing")
    _same("invoice", {**voucher, "nonce": document.nonce, "approval_id": document.approval_id}, signing["data"])
    if approved["actor"]["subject"] != document.invoice_approved_by:
        raise BrokenLink("invoice", "somebody else approved it")
    if approved["actor"] == signing["actor"]:
        raise BrokenLink("invoice", "one person approved it and had it signed")


def _one(events: list[dict[str, Any]], *types: str) -> dict[str, Any]:
    found = [event for event in events if event["type"] in types]
    if len(found) != 1:
        raise BrokenLink("events", f"there must be one of {', '.join(types)}, there are {len(found)}")
    return found[0]


def _same(link: str, expected: Mapping[str, object], found: Mapping[str, object]) -> None:
    for name, value in expected.items():
        if found.get(name) != value:
            raise BrokenLink(link, f"{name} is {found.get(name)!r}, not {value!r}")


def _bytes(encoded: str, link: str) -> bytes:
    with _link(link, ValueError):
        raw = base64.b64decode(encoded, validate=True)
        if base64.b64encode(raw).decode() != encoded:
            raise ValueError("not canonical base64")
        return raw


@contextmanager
def _link(name: str, *errors: type[Exception]) -> Iterator[None]:
    try:
        yield
    except errors as error:
        raise BrokenLink(name, str(error)) from error
