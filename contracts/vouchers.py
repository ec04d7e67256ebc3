"""Vouchers: what is signed and submitted for an approved invoice, and the bundle that proves it to an outsider.

Commands that a worker reports with are `system`: only the service itself sends them. All of them name the voucher, so
a late report about an older one changes nothing.
"""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.invoices import OfInvoice
from contracts.message import Contract, EventData, Query
from contracts.partners import QUERIES
from contracts.roles import Role

Base64 = Annotated[str, Field(max_length=4096, pattern=r"^[A-Za-z0-9+/]+={0,2}$")]
Hex = Annotated[str, Field(max_length=130, pattern=r"^(0x)?[0-9a-f]+$")]
Code = Annotated[str, Field(max_length=64, pattern=r"^[A-Z][A-Z0-9_]*$")]


class VoucherDocument(Contract):
    """What is signed; its bytes are this document by RFC 8785, so there is one form of it.

    `manifest_sha256` is the hash of the reviewed dossier's manifest, `approval_id` the approval in force.
    """

    type: str = "gatehouse.voucher"
    version: int = 1
    voucher_id: str
    invoice_id: str
    partner_id: str
    amount: str
    currency: str
    recipient: str
    approval_id: str
    invoice_approved_by: str
    dossier_version: int
    manifest_sha256: str
    nonce: str
    issued_at: str
    expires_at: str

    @property
    def voucher_uuid(self) -> UUID:
        return UUID(self.voucher_id)

    @property
    def invoice_uuid(self) -> UUID:
        return UUID(self.invoice_id)

    @property
    def partner_uuid(self) -> UUID:
        return UUID(self.partner_id)


class SignInvoice(OfInvoice):
    """Sign and submit an approved invoice; the body is empty (K24)."""

    type: ClassVar[str] = "invoice.sign"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SUPER_ADMIN})


class OfVoucher(OfInvoice):
    """A report of the mint worker about one voucher."""

    system: ClassVar[bool] = True

    voucher_id: UUID


class RecordSignature(OfVoucher):
    """The token has signed; `signature` is raw r || s."""

    type: ClassVar[str] = "voucher.record_signature"

    signature: Base64


class RecordSubmission(OfVoucher):
    """The node has taken the voucher, or says what became of it; `sent_at` is the moment the last gate was open."""

    type: ClassVar[str] = "voucher.record_submission"

    sent_at: AwareDatetime

    status: Annotated[str, Field(pattern=r"^(ACCEPTED|MINTED|FAILED)$")]
    tx_hash: Hex | None = None


class RecordUnknown(OfVoucher):
    """The node may have it or not; it is asked by nonce until that is known (K16)."""

    type: ClassVar[str] = "voucher.record_unknown"

    why: Annotated[str, Field(max_length=200)]


class VoidVoucher(OfVoucher):
    """It will never be submitted: the gate closed, the token or the node refused, or it expired."""

    type: ClassVar[str] = "voucher.void"

    code: Code
    why: Annotated[str, Field(max_length=500)] = ""


class GetVoucher(Query):
    """The proof bundle's parts that the partners service owns; contacts of the partner, or a reader role."""

    type: ClassVar[str] = "voucher.get"
    topic: ClassVar[str] = QUERIES

    invoice_id: UUID


class ManifestDocument(Contract):
    kind: str
    object_key: str
    size: int
    sha256: str
    version_id: str


class Manifest(Contract):
    """The reviewed dossier; its bytes are this document by RFC 8785."""

    type: str = "gatehouse.dossier"
    partner_id: str
    dossier_version: int
    documents: tuple[ManifestDocument, ...]


class EvidenceEvent(Contract):
    """The exact bytes of one event, base64: its leaf in the audit log is SHA-256(0x00 || bytes)."""

    type: str
    raw: str


class VoucherEvidence(Contract):
    """`payload` and `manifest` are the exact canonical bytes, `signature` raw r || s; all base64."""

    payload: str
    signature: str
    manifest: str
    events: tuple[EvidenceEvent, ...]


class InclusionProof(Contract):
    """RFC 9162 §2.1.3; hashes in hex."""

    leaf_hash: str
    position: int
    path: tuple[str, ...]


class VoucherBundle(VoucherEvidence):
    """Everything `gatehouse voucher verify` needs, with nothing but the public keys."""

    checkpoint: str
    tree_size: int
    proofs: tuple[InclusionProof, ...]


class VoucherFact(EventData):
    kept: ClassVar[bool] = True

    partner_id: UUID
    voucher_id: UUID
    digest: str


class VoucherSigned(VoucherFact):
    type: ClassVar[str] = "voucher.signed"

    signature: str


class VoucherOutcomeUnknown(VoucherFact):
    type: ClassVar[str] = "voucher.outcome_unknown"

    why: str


class VoucherVoided(VoucherFact):
    """`was_signed` says that a signature exists which must never be submitted."""

    type: ClassVar[str] = "voucher.voided"

    code: str
    was_signed: bool
