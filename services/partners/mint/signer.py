"""The signer: takes the typed request, never a digest, and decides for itself once more before the token is asked.

Invariant: one digest an invoice, ever. The register gets the digest in a transaction of its own before the token is
asked, so after a crash the same bytes may be signed again and others never (K15).
"""

import hashlib
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.failures import Code
from contracts.vouchers import VoucherDocument
from services.chassis import Write, fetch
from services.partners.mint.keeper import TokenKeeper
from services.partners.mint.last_gate import LastGate, Obstacle
from services.partners.mint.points import MintPoint
from services.partners.mint.voucher import canonical
from services.wire.crash import reach

_REGISTER = """
    INSERT INTO signed_digests (digest, invoice_id, voucher_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
_REGISTERED = "SELECT digest, voucher_id FROM signed_digests WHERE invoice_id = $1"


class Signature(NamedTuple):
    raw: bytes


class Signer:
    """Raises TokenError when the token can't or won't, and database errors when that is away."""

    def __init__(self, engine: AsyncEngine, gate: LastGate, token: TokenKeeper) -> None:
        self._engine, self._gate, self._token = engine, gate, token

    async def sign(self, document: VoucherDocument, now: datetime) -> Signature | Obstacle:
        payload = canonical(document)
        async with self._gate.held(document, now) as obstacle:
            if obstacle:
                return obstacle
            if not await self._register(document, hashlib.sha256(payload).hexdigest()):
                return Obstacle(Code.INVOICE_STATE_INVALID, "another digest is registered for this invoice")
            reach(MintPoint.BEFORE_TOKEN)
            signature = Signature(await self._token.sign(payload))
            reach(MintPoint.AFTER_TOKEN)
            return signature

    async def _register(self, document: VoucherDocument, digest: str) -> bool:
        """Whether this digest is the invoice's one."""
        async with self._engine.begin() as connection:
            tx = Write(connection)
            row = (digest, document.invoice_uuid, document.voucher_uuid)
            await tx.exec_driver_sql(_REGISTER, row)
            registered = await fetch(tx, _REGISTERED, document.invoice_uuid)
        return [tuple(found) for found in registered] == [(digest, document.voucher_uuid)]
