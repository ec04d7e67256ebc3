"""What the fake swap node reads of a voucher, and the key it believes."""

import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from jwt.algorithms import ECAlgorithm
from jwt.exceptions import InvalidKeyError
from pydantic import AwareDatetime, BaseModel, Field

ES256 = ECAlgorithm(ECAlgorithm.SHA256)


class Voucher(BaseModel):
    """The fields that matter to a mint; the others are the issuer's business. An amount is no binary fraction."""

    nonce: str = Field(min_length=1, max_length=200)
    invoice_id: str = Field(min_length=1)
    amount: str = Field(pattern=r"^[0-9]+(\.[0-9]+)?$")
    currency: str = Field(min_length=1)
    recipient: str = Field(min_length=1)
    expires_at: AwareDatetime


class KeyMissing(Exception):
    """There is no usable voucher key, so nothing can be verified."""


class VoucherKey:
    """The public key of voucher signatures: a JWK file, read when first needed and again when it changes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[int, int, int] | None = None
        self._key: EllipticCurvePublicKey | None = None

    def verifies(self, payload: bytes, signature: bytes) -> bool:
        """True for a raw r||s ES256 signature (RFC 7518 §3.4); raises KeyMissing."""
        return ES256.verify(payload, self._current(), signature)

    def _current(self) -> EllipticCurvePublicKey:
        try:
            status = self._file.stat()
            mark = (status.st_mtime_ns, status.st_size, status.st_ino)
            if mark != self._seen or self._key is None:
                self._key, self._seen = _public(self._file.read_text(encoding="ascii")), mark
        except (OSError, ValueError, InvalidKeyError) as error:
            raise KeyMissing(f"{self._file}: {error}") from error
        return self._key


def _public(jwk: str) -> EllipticCurvePublicKey:
    key = ECAlgorithm.from_jwk(jwk)
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("a voucher key is the public half of a P-256 key")  # noqa: TRY004
    return key


def voucher_hash(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()
