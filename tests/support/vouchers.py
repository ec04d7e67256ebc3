"""Vouchers as the signer makes them: bytes, a raw ES256 signature, and the key file that the swap node reads."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256


@dataclass(frozen=True, slots=True)
class Signed:
    payload: bytes
    signature: bytes

    @property
    def fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.payload)
        return fields

    @property
    def nonce(self) -> str:
        return str(self.fields["nonce"])


class Signer:
    """A key of its own; whoever is given its `write_public` file believes it."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def write_public(self, file: Path) -> Path:
        jwk = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps({name: jwk[name] for name in ("kty", "crv", "x", "y")}))
        return draft.replace(file)

    def sign(self, payload: bytes) -> Signed:
        r, s = decode_dss_signature(self._key.sign(payload, ec.ECDSA(SHA256())))
        return Signed(payload, r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    def voucher(self, **changed: Any) -> Signed:
        """A voucher that a node mints, except for what is changed."""
        fields = {
            "type": "gatehouse.voucher",
            "version": 1,
            "invoice_id": str(uuid4()),
            "partner_id": str(uuid4()),
            "amount": "1250.50",
            "currency": "USDC",
            "recipient": "0x8ba1f109551bd432803012645ac136ddd64dba72",
            "nonce": uuid4().hex,
            "expires_at": (datetime.now(UTC) + timedelta(minutes=15)).isoformat(),
        }
        return self.sign(json.dumps(fields | changed, sort_keys=True, separators=(",", ":")).encode())
