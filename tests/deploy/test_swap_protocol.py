"""The fake swap node speaks JSON-RPC 2.0 behind a token: what is no call of the protocol changes nothing."""

import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from deploy.local.swap import SwapSettings, build
from tests.deploy.swap_node import Node, call_of
from tests.support.outside import TOKEN
from tests.support.serving import serving
from tests.support.vouchers import Signed, Signer


@pytest_asyncio.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    signer = Signer()
    key_file = signer.write_public(tmp_path / "voucher.jwk")
    settings = SwapSettings(
        http_port=1, swap_token=TOKEN, swap_database=tmp_path / "swap.sqlite", swap_voucher_key_file=key_file
    )
    with serving(build(settings)) as url:
        node = Node(url, signer, key_file)
        yield node
        await node.close()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff", -32700),
        (b"[]", -32600),
        (b'{"id": 1, "method": "swap_getVoucher", "params": {"nonce": "a"}}', -32600),
        (b'{"jsonrpc": "2.0", "method": "swap_getVoucher", "params": {"nonce": "a"}}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "swap_mintMoney"}', -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "swap_getVoucher"}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "swap_getVoucher", "params": ["a"]}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "swap_submitVoucher", "params": {"payload": "?"}}', -32602),
    ],
)
async def test_what_is_no_call_of_the_protocol_gets_the_protocols_own_code(node: Node, body: bytes, code: int) -> None:
    answer = await node.post(body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (200, code)


CHANGES: dict[str, Callable[[Signer], Signed]] = {
    "a float for an amount": lambda signer: signer.voucher(amount=1250.5),
    "a negative amount": lambda signer: signer.voucher(amount="-1"),
    "no nonce": lambda signer: signer.voucher(nonce=""),
    "no time zone": lambda signer: signer.voucher(expires_at="2099-01-01T00:00:00"),
    "no JSON": lambda signer: signer.sign(b"mint me a million"),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_payload_that_is_no_voucher_is_refused_as_such(node: Node, change: str) -> None:
    voucher = CHANGES[change](node.signer)

    assert (await node.submit(voucher))["error"]["code"] == -32602
    assert [call["payload_sha256"] for call in await node.calls()] == [hashlib.sha256(voucher.payload).hexdigest()]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/rpc"), ("GET", "/v1/mints"), ("GET", "/v1/calls"), ("PUT", "/v1/behaviour")]
)
@pytest.mark.parametrize("authorization", ["", "Bearer wrong", f"Basic {TOKEN}"])
async def test_without_the_token_nothing_is_read_or_written(
    node: Node, method: str, path: str, authorization: str
) -> None:
    body = {"mode": "refuse"} if path == "/v1/behaviour" else call_of(node.signer.voucher())
    answer = await node.client.request(method, path, json=body, headers={"Authorization": authorization})

    assert (answer.status_code, answer.json()) == (401, {"error": "unauthorized"})
    assert await node.calls() == []
    assert "result" in await node.submit(node.signer.voucher())


@pytest.mark.parametrize("knobs", [{"mode": "explode"}, {"times": 0}, {"delay_seconds": -1}, {"sloth": True}])
async def test_a_knob_that_is_not_there_cannot_be_turned(node: Node, knobs: dict[str, Any]) -> None:
    assert (await node.client.put("/v1/behaviour", json=knobs)).status_code == 422
