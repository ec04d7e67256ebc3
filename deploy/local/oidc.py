"""A development identity provider: real discovery, a real key set, and access tokens by RFC 9068.

Anonymous callers get the public documents only. A token costs the client secret; who it names is free to choose, which
is why this may never face anybody but developers. `POST /rotate` starts signing with a new key; earlier keys stay
published, so that tokens in flight still verify.
"""

import base64
import binascii
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.local.oidc_keys import KeyRing
from deploy.local.web import FakeSettings, has_bearer, load, same, serve

CLIENT = "gatehouse-cli"
LONGEST_TTL = 86_400
Form = dict[str, list[str]]


class OidcSettings(FakeSettings):
    """Where the keys are kept and which secrets open the guarded calls."""

    oidc_issuer: str
    oidc_client_secret: str
    oidc_rotate_secret: str
    oidc_keys: Path


def build(settings: OidcSettings) -> Starlette:
    """The four endpoints; anything else is 404."""
    ring = KeyRing(settings.oidc_keys)
    discovery = _discovery(settings.oidc_issuer)
    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", _constant(lambda: discovery)),
            Route("/jwks.json", _constant(ring.public)),
            Route("/token", _token_endpoint(settings, ring), methods=["POST"]),
            Route("/rotate", _rotate_endpoint(settings, ring), methods=["POST"]),
        ]
    )


def claims(issuer: str, form: Form, now: int) -> dict[str, Any]:
    """The access token's claims from the form's fields; raises ValueError for a missing subject or a bad ttl."""
    ttl = int(_one(form, "ttl", "300"))
    subject = _one(form, "subject", "")
    if not subject or not 0 < abs(ttl) <= LONGEST_TTL:
        raise ValueError(f"subject is required, and ttl is at most {LONGEST_TTL} seconds")
    issued = now + min(0, 2 * ttl)  # a negative ttl makes a token that has been valid and no longer is
    token: dict[str, Any] = {
        "iss": issuer,
        "sub": subject,
        "aud": _one(form, "audience", "gatehouse"),
        "client_id": CLIENT,
        "iat": issued,
        "nbf": issued,
        "exp": now + ttl,
        "jti": str(uuid.uuid4()),
        "roles": form.get("role", []),
    }
    return token | ({"amr": form["amr"]} if "amr" in form else {})


def _discovery(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks.json",
        "token_endpoint": f"{issuer}/token",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
    }


def _constant(document: Callable[[], dict[str, Any]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_: Request) -> Response:
        return JSONResponse(document(), headers={"Cache-Control": "public, max-age=60"})

    return endpoint


def _token_endpoint(settings: OidcSettings, ring: KeyRing) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        if not _is_client(request, form, settings.oidc_client_secret):
            return JSONResponse({"error": "invalid_client"}, 401, {"WWW-Authenticate": "Basic"})
        if _one(form, "grant_type", "") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        try:
            payload = claims(settings.oidc_issuer, form, int(time.time()))
        except ValueError as error:
            return JSONResponse({"error": "invalid_request", "error_description": str(error)}, 400)
        return _issued(ring, payload)

    return endpoint


def _issued(ring: KeyRing, payload: dict[str, Any]) -> Response:
    key_id, key = ring.signing()
    token = jwt.encode(payload, key, algorithm="RS256", headers={"kid": key_id, "typ": "at+jwt"})
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": payload["exp"] - payload["iat"]}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


def _rotate_endpoint(settings: OidcSettings, ring: KeyRing) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        if not has_bearer(request, settings.oidc_rotate_secret):
            return JSONResponse({"error": "unauthorized"}, 401, {"WWW-Authenticate": "Bearer"})
        return JSONResponse({"kid": ring.rotate()})

    return endpoint


def _is_client(request: Request, form: Form, secret: str) -> bool:
    """The secret as HTTP Basic or in the form (RFC 6749 §2.3.1)."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return same(_one(form, "client_secret", ""), secret)
    try:
        return same(base64.b64decode(value, validate=True).decode().partition(":")[2], secret)
    except (binascii.Error, UnicodeDecodeError):
        return False


def _one(form: Form, name: str, default: str) -> str:
    return form.get(name, [default])[-1]


def main() -> None:
    settings = load(OidcSettings)
    serve(build(settings), settings.http_port)


if __name__ == "__main__":
    main()
