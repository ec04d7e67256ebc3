"""Secrets in messages: sealed for one purpose, so that a topic, table or log never holds them in the clear.

AES-SIV (RFC 5297), since it is deterministic without being fragile: the same secret for the same purpose gives the
same bytes, so a command sent again under its Idempotency-Key is recognised. The purpose is authenticated.
"""

import base64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class UnsealError(Exception):
    """Sealed with another key, for another purpose, or altered."""


class Sealer:
    """Seals text with AES-256-SIV under keys derived from `encoded`, 32 random bytes in base64url."""

    def __init__(self, encoded: str) -> None:
        self._cipher = AESSIV(HKDF(SHA512(), 64, salt=None, info=b"gatehouse.sealing").derive(_raw(encoded)))

    def seal(self, text: str, *purpose: str) -> str:
        data = b"\0" + text.encode()  # OpenSSL refuses to seal nothing, and an empty password is somebody's input
        sealed = self._cipher.encrypt(data, [part.encode() for part in purpose])
        return base64.urlsafe_b64encode(sealed).decode()

    def unseal(self, sealed: str, *purpose: str) -> str:
        """Raises UnsealError."""
        try:
            return self._cipher.decrypt(_raw(sealed), [part.encode() for part in purpose])[1:].decode()
        except (InvalidTag, ValueError) as error:
            raise UnsealError("cannot be unsealed for this purpose") from error


def _raw(encoded: str) -> bytes:
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
