"""The swap node's answers, taken for what they say and for nothing more.

A voucher that may have been accepted must not be taken for one that was not: whatever is no definite answer is
`Unclear`. `Refused` is the node's word on these bytes as it stands now; who sent them before and heard nothing asks
`look_up` first. The same voucher is sent with the same bytes every time, and the node keeps one mint a nonce.
"""

import asyncio
import base64
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Self
from uuid import uuid4

import httpx
from pydantic import BaseModel, ValidationError, model_validator

UNKNOWN_NONCE = -32004
REFUSALS = frozenset({-32010, -32011, -32012, -32013})
"""Nonce reused with other bytes, bad signature, expired, rejected: only these say that nothing is minted."""


class VoucherStatus(StrEnum):
    ACCEPTED = "ACCEPTED"
    MINTED = "MINTED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The node has the voucher; `tx_hash` is there once it is MINTED."""

    voucher_hash: str
    status: VoucherStatus
    tx_hash: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The node said no: nothing was or will be minted under these bytes."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class NotKnown:
    """The node has never seen this nonce. Only from `look_up`."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """There was no connection, so this try sent nothing."""

    why: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """It may or may not have been accepted."""

    why: str


Verdict = Accepted | Refused | NotKnown | NotSent | Unclear


class _Result(BaseModel):
    voucher_hash: str
    status: VoucherStatus
    tx_hash: str | None

    @model_validator(mode="after")
    def _has_a_transaction_once_minted(self) -> Self:
        if (self.status is VoucherStatus.MINTED) != bool(self.tx_hash):
            raise ValueError("a transaction and MINTED go together")
        return self


class _Error(BaseModel):
    code: int
    message: str


class _Answer(BaseModel):
    """JSON-RPC 2.0 §5."""

    jsonrpc: Literal["2.0"]
    id: str
    result: _Result | None = None
    error: _Error | None = None


class SwapNode:
    """One node at one JSON-RPC address; every call ends within `timeout_seconds`."""

    def __init__(self, url: str, token: str, timeout_seconds: float = 5) -> None:
        self._url, self._seconds = url, timeout_seconds
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(timeout_seconds, connect=timeout_seconds / 2, pool=timeout_seconds / 2),
            trust_env=False,
        )

    async def submit(self, payload: bytes, signature: bytes) -> Verdict:
        """Hand over a signed voucher: the exact bytes, and the raw r||s signature over them."""
        params = {"payload": _base64(payload), "signature": _base64(signature)}
        verdict = _checked(await self._call("swap_submitVoucher", params), payload)
        return Unclear("the node does not know what it was sent") if isinstance(verdict, NotKnown) else verdict

    async def look_up(self, nonce: str, *, sent: bytes | None = None) -> Verdict:
        """What became of a voucher; with the bytes that were `sent`, an answer about others is Unclear."""
        verdict = await self._call("swap_getVoucher", {"nonce": nonce})
        return verdict if sent is None else _checked(verdict, sent)

    async def close(self) -> None:
        await self._client.aclose()

    async def _call(self, method: str, params: dict[str, Any]) -> Verdict:
        call_id = str(uuid4())
        call = {"jsonrpc": "2.0", "id": call_id, "method": method, "params": params}
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._client.post(self._url, json=call)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return NotSent(type(error).__name__)
        except (httpx.HTTPError, TimeoutError) as error:
            return Unclear(type(error).__name__)
        return _verdict(response, call_id)


def _verdict(response: httpx.Response, call_id: str) -> Verdict:
    if response.status_code != 200:
        return Unclear(f"HTTP {response.status_code}")
    try:
        answer = _Answer.model_validate_json(response.content)
    except ValidationError:
        return Unclear("the answer is no JSON-RPC")
    if answer.id != call_id:
        return Unclear("the answer is to another call")
    return _told(answer)


def _told(answer: _Answer) -> Verdict:
    match answer.result, answer.error:
        case _Result() as result, None:
            return Accepted(result.voucher_hash, result.status, result.tx_hash)
        case None, _Error(code=code) if code == UNKNOWN_NONCE:
            return NotKnown()
        case None, _Error(code=code, message=message) if code in REFUSALS:
            return Refused(code, message)
        case None, _Error(code=code):
            return Unclear(f"JSON-RPC error {code}")
        case _:
            return Unclear("the answer is a result or an error, never both or none")


def _checked(verdict: Verdict, payload: bytes) -> Verdict:
    if isinstance(verdict, Accepted) and verdict.voucher_hash != hashlib.sha256(payload).hexdigest():
        return Unclear("the answer is about other bytes")
    return verdict


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
