"""The identity provider's signing keys: kept in one private file, newest first, the newest signs."""

import json
import uuid
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from deploy.local.home import write_private

PUBLISHED = 3
"""A token lives a day at most; nobody rotates three times in a day outside a test."""


class KeyRing:
    """RSA keys by key id."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._keys: list[tuple[str, rsa.RSAPrivateKey]] = []
        if path.exists():
            self._keys = [_load(row) for row in json.loads(path.read_text(encoding="utf-8"))]
        else:
            self.rotate()

    def rotate(self) -> str:
        """Add a key that signs from now on, and forget the oldest; returns its id."""
        key_id = str(uuid.uuid4())
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._keys = [(key_id, key), *self._keys][:PUBLISHED]
        write_private(self._path, json.dumps([_dump(*entry) for entry in self._keys]))
        return key_id

    def signing(self) -> tuple[str, rsa.RSAPrivateKey]:
        """The id and the private half of the key that signs."""
        return self._keys[0]

    def public(self) -> dict[str, Any]:
        """The JWK Set (RFC 7517) of all published keys."""
        return {"keys": [_public(key_id, key) for key_id, key in self._keys]}


def _public(key_id: str, key: rsa.RSAPrivateKey) -> dict[str, Any]:
    jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": key_id, "n": jwk["n"], "e": jwk["e"]}


def _dump(key_id: str, key: rsa.RSAPrivateKey) -> dict[str, str]:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return {"kid": key_id, "pem": key.private_bytes(encoding, form, serialization.NoEncryption()).decode("ascii")}


def _load(row: dict[str, str]) -> tuple[str, rsa.RSAPrivateKey]:
    key = serialization.load_pem_private_key(row["pem"].encode("ascii"), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the identity provider signs with RSA keys only")
    return row["kid"], key
