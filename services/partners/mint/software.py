"""The development token: a P-256 key in a private file, for machines without any PKCS#11 module.

The file is read for each call, so a file that is gone, replaced or opened to others counts at once.
"""

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from services.partners.mint.token import HALF, KeyRefused, Token, TokenUnavailable, confirmed, digest


class SoftwareToken(Token):
    """Signs with the PKCS#8 key in `key_file`, which only its owner may read."""

    kind = "software"

    def __init__(self, key_file: Path) -> None:
        self._file = key_file

    def public_key(self) -> EllipticCurvePublicKey:
        return self._key().public_key()

    def sign(self, message: bytes) -> bytes:
        key = self._key()
        r, s = decode_dss_signature(key.sign(digest(message), ECDSA(Prehashed(SHA256()))))
        return confirmed(key.public_key(), message, r.to_bytes(HALF) + s.to_bytes(HALF))

    def check(self) -> None:
        self._key()

    def close(self) -> None:
        """Nothing is kept open."""

    def _key(self) -> EllipticCurvePrivateKey:
        try:
            key = serialization.load_pem_private_key(self._read(), password=None)
        except OSError as error:
            raise TokenUnavailable(f"the key file cannot be read: {error.strerror}") from error
        except (ValueError, TypeError) as error:
            raise KeyRefused("the key file holds no PKCS#8 key") from error
        if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name != SECP256R1.name:
            raise KeyRefused("the key file holds no P-256 key")
        return key

    def _read(self) -> bytes:
        with self._file.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise KeyRefused("the key file can be read by others")
            return file.read()


def new_key() -> str:
    """A fresh key as PKCS#8 in PEM; whoever asks must keep it in a file of mode 0600."""
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key = generate_private_key(SECP256R1())
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()
