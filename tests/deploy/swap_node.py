"""The fake swap node as its operator and the callers of its JSON-RPC see it."""

import base64
from pathlib import Path
from typing import Any

import httpx

from tests.support.outside import SwapOperator
from tests.support.vouchers import Signed, Signer
from tests.support.waiting import eventually


class Node(SwapOperator):
    """The node as a caller of its JSON-RPC sees it, too."""

    def __init__(self, url: str, signer: Signer, key_file: Path) -> None:
        super().__init__(url)
        self.signer, self.key_file = signer, key_file

    async def post(self, body: bytes) -> httpx.Response:
        return await self.client.post("/rpc", content=body)

    async def rpc(self, method: str, params: Any) -> dict[str, Any]:
        call = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        answer: dict[str, Any] = (await self.client.post("/rpc", json=call)).json()
        assert (answer["jsonrpc"], answer["id"]) == ("2.0", 7)
        return answer

    async def submit(self, voucher: Signed) -> dict[str, Any]:
        return await self.rpc("swap_submitVoucher", as_params(voucher))

    async def get(self, nonce: str) -> dict[str, Any]:
        return await self.rpc("swap_getVoucher", {"nonce": nonce})

    async def settled(self, voucher: Signed) -> dict[str, Any]:
        """What became of it, once that is known."""

        async def known() -> dict[str, Any]:
            result: dict[str, Any] = (await self.get(voucher.nonce))["result"]
            assert result["status"] != "ACCEPTED"
            return result

        return await eventually(known, "the voucher is settled", 10)


def as_params(voucher: Signed) -> dict[str, str]:
    return {name: base64.b64encode(getattr(voucher, name)).decode() for name in ("payload", "signature")}


def call_of(voucher: Signed) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 7, "method": "swap_submitVoucher", "params": as_params(voucher)}
