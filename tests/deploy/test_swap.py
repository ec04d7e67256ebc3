"""The fake swap node mints a voucher once, remembers what it said, and fails the way real nodes fail."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from deploy.local.swap import SwapSettings, build
from tests.deploy.swap_node import Node, call_of
from tests.support.outside import TOKEN
from tests.support.serving import serving
from tests.support.vouchers import Signed, Signer
from tests.support.waiting import eventually


@pytest.fixture
def signer() -> Signer:
    return Signer()


@pytest.fixture
def settings(tmp_path: Path, signer: Signer) -> SwapSettings:
    key_file = signer.write_public(tmp_path / "voucher.jwk")
    return SwapSettings(
        http_port=1, swap_token=TOKEN, swap_database=tmp_path / "swap.sqlite", swap_voucher_key_file=key_file
    )


@pytest_asyncio.fixture
async def node(settings: SwapSettings, signer: Signer) -> AsyncIterator[Node]:
    with serving(build(settings)) as url:
        node = Node(url, signer, settings.swap_voucher_key_file)
        await node.behave("ok", mint_delay_seconds=0)
        yield node
        await node.close()


async def test_a_signed_voucher_is_accepted_and_minted_as_ordered(node: Node) -> None:
    await node.behave("ok", mint_delay_seconds=0.3)
    voucher = node.signer.voucher()

    accepted = await node.submit(voucher)

    digest = hashlib.sha256(voucher.payload).hexdigest()
    assert accepted["result"] == {"voucher_hash": digest, "status": "ACCEPTED", "tx_hash": None}
    assert await node.mints() == []
    minted = await node.settled(voucher)
    (mint,) = await node.mints(voucher.fields["invoice_id"])
    assert minted == {"voucher_hash": digest, "status": "MINTED", "tx_hash": mint["tx_hash"]}
    for name in ("invoice_id", "nonce", "amount", "currency", "recipient"):
        assert mint[name] == voucher.fields[name]


async def test_the_same_bytes_again_are_answered_the_same_and_minted_once(node: Node) -> None:
    voucher = node.signer.voucher()

    answers = await asyncio.gather(*(node.submit(voucher) for _ in range(10)))

    assert [answer["result"] for answer in answers] == [answers[0]["result"]] * 10
    assert len(await node.mints()) == 1
    digest = hashlib.sha256(voucher.payload).hexdigest()
    assert [call["payload_sha256"] for call in await node.calls(voucher.nonce)] == [digest] * 10


async def test_a_nonce_under_other_bytes_is_refused_and_the_first_stands(node: Node) -> None:
    voucher = node.signer.voucher()
    await node.submit(voucher)

    other = await node.submit(node.signer.voucher(nonce=voucher.nonce, amount="999999"))

    assert other["error"]["code"] == -32010
    (mint,) = await node.mints()
    assert mint["amount"] == voucher.fields["amount"]


async def test_two_vouchers_of_one_invoice_are_two_mints_to_be_seen(node: Node) -> None:
    """The negative control of every test that counts the mints of an invoice."""
    first = node.signer.voucher()
    await node.submit(first)
    await node.submit(node.signer.voucher(invoice_id=first.fields["invoice_id"]))

    assert len(await node.mints(first.fields["invoice_id"])) == 2


async def test_a_voucher_of_another_key_or_with_one_byte_changed_is_refused(node: Node) -> None:
    stranger = Signer().voucher()
    voucher = node.signer.voucher()
    changed = Signed(voucher.payload.replace(b"1250.50", b"1250.51"), voucher.signature)

    for bad in (stranger, changed, Signed(voucher.payload, b""), Signed(voucher.payload, voucher.signature[:-1])):
        assert (await node.submit(bad))["error"]["code"] == -32011
    assert await node.mints() == []


async def test_an_expired_voucher_is_refused_unless_it_was_accepted_before(node: Node) -> None:
    late = await node.submit(node.signer.voucher(expires_at="2026-01-01T00:00:00+00:00"))

    assert late["error"]["code"] == -32012
    assert (await node.get("late"))["error"]["code"] == -32004


async def test_what_was_accepted_is_not_denied_later_whatever_has_changed(node: Node) -> None:
    voucher = node.signer.voucher()
    accepted = await node.submit(voucher)
    Signer().write_public(node.key_file)
    await node.behave("refuse")

    assert await node.submit(voucher) == accepted


async def test_the_key_is_read_again_when_its_file_changes(node: Node) -> None:
    successor = Signer()
    assert (await node.submit(successor.voucher()))["error"]["code"] == -32011

    successor.write_public(node.key_file)

    assert "result" in await node.submit(successor.voucher())
    assert (await node.submit(node.signer.voucher()))["error"]["code"] == -32011


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}', b"\xff"])
async def test_without_a_usable_key_nothing_is_accepted_until_there_is_one(node: Node, content: bytes | None) -> None:
    if content is None:
        node.key_file.unlink()
    else:
        node.key_file.write_bytes(content)
    voucher = node.signer.voucher()

    assert (await node.submit(voucher))["error"]["code"] == -32603
    node.signer.write_public(node.key_file)
    assert "result" in await node.submit(voucher)


async def test_mints_and_answers_survive_a_restart_and_so_does_a_mint_that_was_due(
    settings: SwapSettings, signer: Signer
) -> None:
    minted, pending = signer.voucher(), signer.voucher()
    with serving(build(settings)) as url:
        node = Node(url, signer, settings.swap_voucher_key_file)
        await node.behave("ok", mint_delay_seconds=0)
        before = await node.submit(minted)
        await node.behave("ok", mint_delay_seconds=0.2)
        await node.submit(pending)
        await node.close()

    with serving(build(settings)) as url:
        node = Node(url, signer, settings.swap_voucher_key_file)
        assert await node.submit(minted) == before
        assert (await node.settled(pending))["status"] == "MINTED"
        assert [mint["nonce"] for mint in await node.mints()] == [minted.nonce, pending.nonce]
        await node.close()


async def test_in_error_mode_nothing_is_accepted_but_the_call_is_noted(node: Node) -> None:
    voucher = node.signer.voucher()
    await node.behave("error", times=1)

    refused = await node.client.post("/rpc", json=call_of(voucher))

    assert refused.status_code == 503
    assert len(await node.calls(voucher.nonce)) == 1
    assert (await node.get(voucher.nonce))["error"]["code"] == -32004


async def test_in_refuse_mode_the_node_says_no(node: Node) -> None:
    await node.behave("refuse")

    assert (await node.submit(node.signer.voucher()))["error"]["code"] == -32013


async def test_in_slow_mode_it_accepts_late(node: Node) -> None:
    voucher = node.signer.voucher()
    await node.behave("slow", delay_seconds=0.5, times=1)
    submitted = asyncio.create_task(node.submit(voucher))
    await eventually(lambda: node.calls(voucher.nonce), "the call has come")

    assert (await node.get(voucher.nonce))["error"]["code"] == -32004
    assert "result" in await submitted


async def test_after_acceptance_it_answers_late(node: Node) -> None:
    voucher = node.signer.voucher()
    await node.behave("timeout_after_acceptance", delay_seconds=5)
    submitted = asyncio.create_task(node.submit(voucher))
    await eventually(lambda: node.calls(voucher.nonce), "the call has come")

    assert (await node.get(voucher.nonce))["result"]["voucher_hash"]
    assert not submitted.done()
    submitted.cancel()


async def test_after_acceptance_it_hangs_up(node: Node) -> None:
    voucher = node.signer.voucher()
    await node.behave("drop_after_acceptance", times=1, mint_delay_seconds=0)

    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await node.submit(voucher)
    assert (await node.submit(voucher))["result"]["status"] == "MINTED"
    assert len(await node.mints()) == 1


async def test_what_was_not_accepted_is_answered_in_those_modes_too(node: Node) -> None:
    for mode in ("timeout_after_acceptance", "drop_after_acceptance"):
        await node.behave(mode, delay_seconds=60)
        assert (await node.submit(Signer().voucher()))["error"]["code"] == -32011


async def test_in_fail_mode_it_accepts_and_never_mints(node: Node) -> None:
    voucher = node.signer.voucher()
    await node.behave("fail", mint_delay_seconds=0.2, times=1)

    assert (await node.submit(voucher))["result"]["status"] == "ACCEPTED"
    settled = await node.settled(voucher)
    assert (settled["status"], settled["tx_hash"]) == ("FAILED", None)
    assert await node.mints() == []


async def test_a_mode_holds_for_as_many_calls_as_were_ordered(node: Node) -> None:
    await node.behave("refuse", times=2)

    answers = [await node.submit(node.signer.voucher()) for _ in range(3)]
    await node.get("a look-up is no call that this mode counts")

    assert ["error" in answer for answer in answers] == [True, True, False]
