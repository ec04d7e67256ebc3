"""A fake swap node: it mints what a correctly signed voucher orders, once, and fails the way real nodes fail.

JSON-RPC 2.0 on `POST /rpc` behind a bearer token. A nonce that was accepted is answered the same for ever after,
before anything else is asked: neither a new voucher key nor the voucher's expiry nor a knob makes the node deny it.
`GET /v1/mints` and `GET /v1/calls` tell what it did and what it was sent; `PUT /v1/behaviour` turns the knobs.
"""

import asyncio
import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.local import json_rpc
from deploy.local.json_rpc import Answer, Call, Params, RpcError
from deploy.local.knobs import Knobs, Panel
from deploy.local.swap_ledger import Entry, Ledger
from deploy.local.swap_voucher import KeyMissing, Voucher, VoucherKey, voucher_hash
from deploy.local.web import FakeSettings, Strict, guarded, hang_up, healthy, load, serve

SUBMIT, GET = "swap_submitVoucher", "swap_getVoucher"
UNKNOWN_NONCE, NONCE_REUSED, BAD_SIGNATURE, EXPIRED, REJECTED = -32004, -32010, -32011, -32012, -32013
BEFORE = ("error", "slow")
"""Modes that a look-up knows too; the others are about accepting a voucher."""
MODES = (*BEFORE, "refuse", "timeout_after_acceptance", "drop_after_acceptance", "fail")


class SwapSettings(FakeSettings):
    """Where the ledger is kept, which token opens the node and whose signature it believes."""

    swap_token: str
    swap_database: Path
    swap_voucher_key_file: Path


class SwapKnobs(Knobs):
    """`error` is HTTP 503 before acceptance, `fail` accepts and never mints; the names say the rest."""

    mode: Literal["ok", "error", "slow", "refuse", "timeout_after_acceptance", "drop_after_acceptance", "fail"] = "ok"
    mint_delay_seconds: float = Field(default=0.5, ge=0, le=3600)


def _is_base64(text: str) -> str:
    base64.b64decode(text, validate=True)
    return text


class Submission(Strict):
    payload: Annotated[str, AfterValidator(_is_base64)]
    signature: Annotated[str, AfterValidator(_is_base64)]


class Question(Strict):
    nonce: str


class Node:
    """The handlers; all of them behind the token, except the health check."""

    def __init__(self, settings: SwapSettings) -> None:
        self._ledger = Ledger(settings.swap_database)
        self._key = VoucherKey(settings.swap_voucher_key_file)
        self._token = settings.swap_token
        self._panel = Panel(SwapKnobs())

    def routes(self) -> list[Route]:
        return [
            Route("/healthz", healthy),
            Route("/rpc", guarded(self._token, self._rpc), methods=["POST"]),
            Route("/v1/mints", guarded(self._token, self._mints), methods=["GET"]),
            Route("/v1/calls", guarded(self._token, self._calls), methods=["GET"]),
            Route("/v1/behaviour", guarded(self._token, self._panel.turn), methods=["PUT"]),
        ]

    async def _rpc(self, request: Request) -> Response:
        try:
            call = json_rpc.read(await request.body())
        except RpcError as error:
            return JSONResponse(error.answer(None))
        if call.method == SUBMIT:
            self._note(call)
        knobs = self._panel.take(MODES if call.method == SUBMIT else BEFORE)
        if knobs.mode == "error":
            return JSONResponse({"error": "unavailable"}, 503, {"Retry-After": "1"})
        if knobs.mode == "slow":
            await asyncio.sleep(knobs.delay_seconds)
        return await self._answer(request, call, knobs)

    async def _answer(self, request: Request, call: Call, knobs: SwapKnobs) -> Response:
        async def submit(params: Params) -> Answer:
            return self._submit(Submission.model_validate(params), knobs)

        answer = await json_rpc.run(call, {SUBMIT: submit, GET: self._get})
        accepted = "result" in answer
        if accepted and knobs.mode == "timeout_after_acceptance":
            await asyncio.sleep(knobs.delay_seconds)
        if accepted and knobs.mode == "drop_after_acceptance":
            return await hang_up(request)
        return JSONResponse(answer)

    def _submit(self, submission: Submission, knobs: SwapKnobs) -> Answer:
        payload = base64.b64decode(submission.payload)
        voucher, digest = Voucher.model_validate_json(payload), voucher_hash(payload)
        known = self._ledger.find(voucher.nonce)
        if known is None:
            self._check(voucher, payload, base64.b64decode(submission.signature), knobs)
            self._ledger.accept(voucher, digest, delay=knobs.mint_delay_seconds, fails=knobs.mode == "fail")
        elif known.voucher_hash != digest:
            raise RpcError(NONCE_REUSED, "nonce reused with other bytes")
        return self._result(voucher.nonce)

    def _check(self, voucher: Voucher, payload: bytes, signature: bytes, knobs: SwapKnobs) -> None:
        try:
            if not self._key.verifies(payload, signature):
                raise RpcError(BAD_SIGNATURE, "bad signature")
        except KeyMissing as error:
            raise RpcError(json_rpc.INTERNAL, f"no voucher key: {error}") from error
        if voucher.expires_at <= datetime.now(UTC):
            raise RpcError(EXPIRED, "voucher expired")
        if knobs.mode == "refuse":
            raise RpcError(REJECTED, "rejected by the node")

    async def _get(self, params: Params) -> Answer:
        return self._result(Question.model_validate(params).nonce)

    def _result(self, nonce: str) -> Answer:
        entry: Entry | None = self._ledger.find(nonce)
        if entry is None:
            raise RpcError(UNKNOWN_NONCE, "unknown nonce")
        return entry._asdict()

    def _note(self, call: Call) -> None:
        """Write down what was received, readable or not."""
        try:
            payload = base64.b64decode(Submission.model_validate(call.params).payload)
        except ValidationError:
            self._ledger.note_call(None, "")
            return
        try:
            nonce = Voucher.model_validate_json(payload).nonce
        except ValidationError:
            nonce = None
        self._ledger.note_call(nonce, voucher_hash(payload))

    async def _mints(self, request: Request) -> Response:
        return JSONResponse({"data": self._ledger.mints(request.query_params.get("invoice_id"))})

    async def _calls(self, request: Request) -> Response:
        return JSONResponse({"data": self._ledger.calls(request.query_params.get("nonce"))})


def build(settings: SwapSettings) -> Starlette:
    return Starlette(routes=Node(settings).routes())


def main() -> None:
    settings = load(SwapSettings)
    serve(build(settings), settings.http_port)


if __name__ == "__main__":
    main()
