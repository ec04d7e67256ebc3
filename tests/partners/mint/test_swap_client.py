"""What the swap node says is taken for what it is: accepted, refused, unknown, not sent, or unclear; never guessed."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.local.swap import SwapSettings, build
from services.partners.mint.swap import Accepted, NotKnown, NotSent, Refused, SwapNode, Unclear, VoucherStatus
from tests.support.outside import TOKEN, SwapOperator
from tests.support.serving import refused_url, serving
from tests.support.vouchers import Signed, Signer
from tests.support.waiting import eventually

SECONDS = 0.5
"""How long the adapter waits in these tests."""


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture(scope="module")
def url(signer: Signer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One fake node for all tests of this file; each has vouchers of its own."""
    directory: Path = tmp_path_factory.mktemp("swap")
    key_file = signer.write_public(directory / "voucher.jwk")
    settings = SwapSettings(
        http_port=1, swap_token=TOKEN, swap_database=directory / "swap.sqlite", swap_voucher_key_file=key_file
    )
    with serving(build(settings)) as address:
        yield address


@pytest_asyncio.fixture
async def operator(url: str) -> AsyncIterator[SwapOperator]:
    operator = SwapOperator(url)
    await operator.behave("ok", mint_delay_seconds=0)
    yield operator
    await operator.close()


@pytest_asyncio.fixture
async def node(url: str) -> AsyncIterator[SwapNode]:
    node = SwapNode(f"{url}/rpc", TOKEN, SECONDS)
    yield node
    await node.close()


async def submit(node: SwapNode, voucher: Signed) -> object:
    return await node.submit(voucher.payload, voucher.signature)


def digest(voucher: Signed) -> str:
    return hashlib.sha256(voucher.payload).hexdigest()


async def test_an_accepted_voucher_is_followed_until_it_is_minted(
    node: SwapNode, operator: SwapOperator, signer: Signer
) -> None:
    voucher = signer.voucher()
    await operator.behave("ok", mint_delay_seconds=0.2)

    assert await submit(node, voucher) == Accepted(digest(voucher), VoucherStatus.ACCEPTED, None)

    async def minted() -> bool:
        verdict = await node.look_up(voucher.nonce, sent=voucher.payload)
        return isinstance(verdict, Accepted) and verdict.status is VoucherStatus.MINTED

    await eventually(minted, "minted", 10)
    (mint,) = await operator.mints(voucher.fields["invoice_id"])
    assert await submit(node, voucher) == Accepted(digest(voucher), VoucherStatus.MINTED, mint["tx_hash"])


async def test_a_voucher_that_the_node_cannot_mint_is_seen_to_fail(
    node: SwapNode, operator: SwapOperator, signer: Signer
) -> None:
    voucher = signer.voucher()
    await operator.behave("fail", mint_delay_seconds=0, times=1)

    assert await submit(node, voucher) == Accepted(digest(voucher), VoucherStatus.FAILED, None)
    assert await operator.mints(voucher.fields["invoice_id"]) == []


REFUSED: dict[str, tuple[int, Callable[[Signer], Signed]]] = {
    "expired": (-32012, lambda signer: signer.voucher(expires_at="2026-01-01T00:00:00Z")),
    "signed by somebody else": (-32011, lambda _: Signer().voucher()),
    "not signed": (-32011, lambda signer: replace(signer.voucher(), signature=b"")),
}


@pytest.mark.parametrize("reason", REFUSED)
async def test_a_no_of_the_node_is_a_refusal(
    node: SwapNode, operator: SwapOperator, signer: Signer, reason: str
) -> None:
    code, make = REFUSED[reason]

    verdict = await submit(node, make(signer))

    assert isinstance(verdict, Refused)
    assert verdict.code == code


async def test_a_nonce_under_other_bytes_is_a_refusal_of_those_bytes(
    node: SwapNode, operator: SwapOperator, signer: Signer
) -> None:
    voucher = signer.voucher()
    await submit(node, voucher)

    verdict = await submit(node, signer.voucher(nonce=voucher.nonce))

    assert isinstance(verdict, Refused)
    assert verdict.code == -32010


async def test_a_node_that_rejects_is_a_refusal(node: SwapNode, operator: SwapOperator, signer: Signer) -> None:
    await operator.behave("refuse", times=1)
    voucher = signer.voucher()

    assert await submit(node, voucher) == Refused(-32013, "rejected by the node")
    assert await node.look_up(voucher.nonce) == NotKnown()


async def test_a_nonce_that_the_node_never_saw_is_not_known(node: SwapNode, operator: SwapOperator) -> None:
    assert await node.look_up("never") == NotKnown()


UNCLEAR: dict[str, tuple[str, dict[str, Any]]] = {
    "timeout_after_acceptance": ("TimeoutError", {"delay_seconds": 5}),
    "drop_after_acceptance": ("RemoteProtocolError", {}),
}


@pytest.mark.parametrize("mode", UNCLEAR)
async def test_a_voucher_whose_answer_is_lost_is_unclear_and_the_look_up_finds_its_one_mint(
    node: SwapNode, operator: SwapOperator, signer: Signer, mode: str
) -> None:
    why, knobs = UNCLEAR[mode]
    voucher = signer.voucher()
    await operator.behave(mode, times=1, mint_delay_seconds=0, **knobs)

    assert await submit(node, voucher) == Unclear(why)

    found = await node.look_up(voucher.nonce, sent=voucher.payload)
    assert isinstance(found, Accepted)
    assert await submit(node, voucher) == found
    assert len(await operator.mints(voucher.fields["invoice_id"])) == 1
    assert {call["payload_sha256"] for call in await operator.calls(voucher.nonce)} == {digest(voucher)}


async def test_a_node_that_is_slow_is_unclear_though_it_has_not_accepted_yet(
    node: SwapNode, operator: SwapOperator, signer: Signer
) -> None:
    await operator.behave("slow", delay_seconds=SECONDS * 2, times=1)
    voucher = signer.voucher()

    assert await submit(node, voucher) == Unclear("TimeoutError")
    assert await node.look_up(voucher.nonce) == NotKnown()  # and yet it will be minted: a caller may not conclude no
    await eventually(lambda: operator.mints(voucher.fields["invoice_id"]), "it is minted after all", 10)


async def test_a_node_that_is_unavailable_is_unclear(node: SwapNode, operator: SwapOperator, signer: Signer) -> None:
    await operator.behave("error", times=2)
    voucher = signer.voucher()

    assert await submit(node, voucher) == Unclear("HTTP 503")
    assert await node.look_up(voucher.nonce) == Unclear("HTTP 503")
    assert await node.look_up(voucher.nonce) == NotKnown()


async def test_a_wrong_token_is_unclear(url: str, signer: Signer) -> None:
    stranger = SwapNode(f"{url}/rpc", "wrong", SECONDS)

    assert await submit(stranger, signer.voucher()) == Unclear("HTTP 401")
    await stranger.close()


async def test_where_nobody_listens_nothing_was_sent(signer: Signer) -> None:
    node = SwapNode(refused_url(), TOKEN, SECONDS)

    assert await submit(node, signer.voucher()) == NotSent("ConnectError")
    assert await node.look_up("a") == NotSent("ConnectError")
    await node.close()


async def test_a_connection_that_the_node_closed_meanwhile_is_unclear_at_worst(signer: Signer) -> None:
    """An idle connection is used again; that it was dead shows only when something may have been sent."""
    listener = await asyncio.start_server(_answer_once_then_hang_up, "127.0.0.1", 0)
    node = SwapNode(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", TOKEN, SECONDS)
    await node.look_up("a")

    assert isinstance(await submit(node, signer.voucher()), Unclear)
    await node.close()
    listener.close()


async def _answer_once_then_hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"}}")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    await reader.read(1)
    writer.close()


RESULT = {"voucher_hash": "HASH", "status": "ACCEPTED", "tx_hash": None}
ENVELOPE = {"jsonrpc": "2.0", "id": "ID"}
JUNK: dict[str, Any] = {
    "an HTML page": "<html>",
    "nothing": "",
    "not UTF-8": b"\xff\xfe",
    "an empty object": {},
    "neither result nor error": ENVELOPE,
    "both": {**ENVELOPE, "result": RESULT, "error": {"code": -32013, "message": "no"}},
    "another version": {"jsonrpc": "1.0", "id": "ID", "result": RESULT},
    "an answer to another call": {"jsonrpc": "2.0", "id": "other", "result": RESULT},
    "an error to nobody": {"jsonrpc": "2.0", "id": None, "error": {"code": -32013, "message": "no"}},
    "a status of its own": {**ENVELOPE, "result": {**RESULT, "status": "MAYBE"}},
    "minted without a transaction": {**ENVELOPE, "result": {**RESULT, "status": "MINTED"}},
    "a transaction without a mint": {**ENVELOPE, "result": {**RESULT, "tx_hash": "0x1"}},
    "the hash of other bytes": {**ENVELOPE, "result": {**RESULT, "voucher_hash": "00" * 32}},
    "unknown nonce, to a submission": {**ENVELOPE, "error": {"code": -32004, "message": "unknown nonce"}},
    **{
        f"error {code}": {**ENVELOPE, "error": {"code": code, "message": "no"}}
        for code in (-32700, -32600, -32601, -32602, -32603, -32000, -32014, 0)
    },
}


@pytest.mark.parametrize("junk", JUNK)
async def test_an_answer_that_decides_nothing_is_unclear(signer: Signer, junk: str) -> None:
    voucher = signer.voucher()
    with answering(JUNK[junk], digest(voucher)) as url:
        node = SwapNode(url, TOKEN, SECONDS)

        assert isinstance(await submit(node, voucher), Unclear)
        await node.close()


async def test_the_same_answer_without_a_flaw_is_believed(signer: Signer) -> None:
    """The control of the test above."""
    voucher = signer.voucher()
    with answering({**ENVELOPE, "result": RESULT}, digest(voucher)) as url:
        node = SwapNode(url, TOKEN, SECONDS)

        assert await submit(node, voucher) == Accepted(digest(voucher), VoucherStatus.ACCEPTED, None)
        assert isinstance(await node.look_up(voucher.nonce, sent=b"other bytes"), Unclear)
        await node.close()


async def test_an_answer_that_comes_in_drops_ends_in_time(signer: Signer) -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(SECONDS / 10)

    listener = await asyncio.start_server(drip, "127.0.0.1", 0)
    node = SwapNode(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", TOKEN, SECONDS)

    async with asyncio.timeout(SECONDS * 4):
        assert await submit(node, signer.voucher()) == Unclear("TimeoutError")
    await node.close()
    listener.close()


@contextmanager
def answering(answer: Any, voucher_hash: str) -> Iterator[str]:
    """A node that answers every call with this, under the call's id."""

    async def endpoint(request: Request) -> Response:
        if isinstance(answer, bytes):
            return Response(answer)
        text = answer if isinstance(answer, str) else json.dumps(answer)
        call_id = (await request.json())["id"]
        return Response(text.replace('"ID"', f'"{call_id}"').replace("HASH", voucher_hash))

    with serving(Starlette(routes=[Route("/", endpoint, methods=["POST"])])) as url:
        yield url
