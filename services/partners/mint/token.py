"""What signs vouchers: one P-256 key, whoever keeps it.

The caller hands over the whole message; the digest is made here, so nobody can have a digest signed whose message
was never seen. ECDSA has two signatures for each (r, s); only the one with the lower s exists for us, so the bytes of
a signature can be compared, stored once and kept unique.
"""

import base64
import hashlib
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group of P-256 (SP 800-186 §3.2.1.3)."""
HALF = 32


class TokenError(Exception):
    """Nothing was signed."""


class TokenUnavailable(TokenError):
    """The token cannot be reached now; a later call may succeed (HSM_UNAVAILABLE)."""


class KeyRefused(TokenUnavailable):
    """The key is there but must not be used: it can be extracted, is of another kind, or is not the only one."""


class PinRefused(TokenUnavailable):
    """The token did not take the PIN. Never tried again with the same PIN: a token locks after a few wrong ones."""


class SignFailed(TokenError):
    """The token answered, but not with a signature of this key (HSM_SIGN_FAILED)."""


class Token(ABC):
    """One key. Constructing it opens nothing; every call blocks and opens what it needs; raises TokenError only."""

    kind: ClassVar[str]

    @abstractmethod
    def public_key(self) -> EllipticCurvePublicKey:
        """The half that may be shown."""

    @abstractmethod
    def sign(self, message: bytes) -> bytes:
        """ECDSA P-256 over SHA-256 of `message`: r and s, 32 bytes each, s in the lower half of the group."""

    @abstractmethod
    def check(self) -> None:
        """Raise what `sign` would raise now, without signing anything."""

    @abstractmethod
    def close(self) -> None:
        """Let go of sessions and processes; a later call opens them again."""


def digest(message: bytes) -> bytes:
    return hashlib.sha256(message).digest()


def confirmed(key: EllipticCurvePublicKey, message: bytes, raw: bytes) -> bytes:
    """A fresh signature in its one form; SignFailed unless `key` confirms it."""
    if len(raw) != 2 * HALF:
        raise SignFailed(f"a signature of {len(raw)} bytes")
    s = int.from_bytes(raw[HALF:])
    signature = raw[:HALF] + min(s, -s % ORDER).to_bytes(HALF)
    if not verify(key, message, signature):
        raise SignFailed("the signature is not of the token's own public key")
    return signature


def verify(key: EllipticCurvePublicKey, message: bytes, signature: bytes) -> bool:
    """True for the one form of a signature of `key` over `message`; False for everything else."""
    r, s = int.from_bytes(signature[:HALF]), int.from_bytes(signature[HALF:])
    if len(signature) != 2 * HALF or s > ORDER // 2:
        return False
    try:
        key.verify(encode_dss_signature(r, s), digest(message), ECDSA(Prehashed(SHA256())))
    except InvalidSignature:
        return False
    return True


def to_jwk(key: EllipticCurvePublicKey, kid: str = "voucher") -> dict[str, str]:
    """The public key as a JWK (RFC 7518 §6.2)."""
    numbers = key.public_numbers()
    x, y = (base64.urlsafe_b64encode(n.to_bytes(HALF)).rstrip(b"=").decode() for n in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256", "kid": kid}


def from_jwk(jwk: dict[str, Any]) -> EllipticCurvePublicKey:
    """The key of a JWK; ValueError unless it is the public half of a P-256 key."""
    if (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256") or "d" in jwk:
        raise ValueError("not the public half of a P-256 key")
    x, y = (_coordinate(jwk.get(name)) for name in ("x", "y"))
    return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()


def _coordinate(encoded: object) -> int:
    if not isinstance(encoded, str) or len(encoded) != 43:
        raise ValueError("a coordinate is 32 bytes in base64url without padding")
    return int.from_bytes(base64.urlsafe_b64decode(encoded + "="))
