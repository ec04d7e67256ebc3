"""What the gateway says of itself: health, metrics, problem pages, keys and interface documents."""

from html import escape

import orjson
from fastapi import APIRouter
from prometheus_client import generate_latest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from contracts.failures import FAILURES, Code
from services.gateway.asyncapi import document
from services.gateway.problems import Failure

router = APIRouter(include_in_schema=False)


@router.get("/livez")
async def livez() -> Response:
    return Response(status_code=204)


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Ready when tokens can be checked, replies are being read and refusals are being told, now or later."""
    state = request.app.state
    checks = {
        "identity_provider_keys": state.keys.loaded,
        "replies": state.dispatcher.receiving,
        "refusals": not state.refusals.sending.done(),
    }
    problems = {name: "not yet" for name, fine in checks.items() if not fine}
    body = orjson.dumps({"ready": not problems, "problems": problems, "refusals_waiting": state.refusals.waiting})
    return Response(body, 503 if problems else 200, media_type="application/json")


@router.get("/metrics")
async def metrics() -> Response:
    return Response(generate_latest(), media_type="text/plain; version=0.0.4")


@router.get("/problems/{code}")
async def problem_page(code: str) -> Response:
    """The page that a problem's `type` resolves to."""
    if code not in Code.__members__:
        raise Failure(Code.NOT_FOUND)
    entry = FAILURES[Code(code)]
    retry = "A retry can help." if entry.retryable else "A retry of the same request will not help."
    return HTMLResponse(
        f"<!doctype html><title>{escape(code)}</title><h1>{escape(entry.title)}</h1>"
        f"<p><code>{escape(code)}</code>, HTTP {entry.status}. {retry}</p>"
    )


@router.get("/.well-known/jwks.json")
async def jwks(request: Request) -> Response:
    """The public keys of staff tokens and the audit log's checkpoints (RFC 8037), and of vouchers (RFC 7518 §6.2)."""
    settings = request.app.state.settings
    named = {"staff": settings.staff_public_key, "audit": settings.audit_public_key}
    keys = [
        {"kty": "OKP", "crv": "Ed25519", "kid": name, "use": "sig", "alg": "EdDSA", "x": key}
        for name, key in named.items()
        if key
    ]
    voucher = settings.voucher_key_file
    if voucher and voucher.exists():
        keys.append(orjson.loads(voucher.read_bytes()))
    return JSONResponse({"keys": keys})


@router.get("/asyncapi.json")
async def asyncapi() -> Response:
    return JSONResponse(document())
