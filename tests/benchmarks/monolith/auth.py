"""Bearer tokens: RS256 of the identity provider, EdDSA of staff sessions; keys are fetched once and kept."""

from dataclasses import dataclass
from typing import Any

import httpx
import jwt
from fastapi import HTTPException, Request

from contracts.roles import Role
from services.wire.actor import public_key
from tests.benchmarks.monolith.settings import Settings

ROLES = {role.value: role for role in Role}
REQUIRED = ["exp", "iat", "iss", "aud", "sub"]


@dataclass(frozen=True, slots=True)
class Person:
    """Who calls."""

    type: str
    issuer: str
    subject: str
    roles: frozenset[Role]


class Tokens:
    """Checks a token once for each request, as PyJWT does it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._staff_key = public_key(settings.staff_public_key)
        self._keys: dict[str, Any] = {}

    async def load(self) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            document = (await client.get(f"{self._settings.oidc_issuer}/jwks.json")).raise_for_status().json()
        self._keys = {key.key_id or "": key.key for key in jwt.PyJWKSet.from_dict(document).keys}

    def check(self, token: str) -> Person:
        """Raises jwt.PyJWTError or KeyError."""
        header = jwt.get_unverified_header(token)
        if header.get("typ") != "at+jwt":
            raise jwt.InvalidTokenError("not an access token")
        if header["alg"] == "EdDSA":
            claims = self._decode(token, self._staff_key, "EdDSA", self._settings.staff_issuer)
            return Person("staff", claims["iss"], claims["sub"], frozenset())
        claims = self._decode(token, self._keys[header["kid"]], "RS256", self._settings.oidc_issuer)
        roles = frozenset(ROLES[name] for name in claims.get("roles", ()) if name in ROLES)
        return Person("user", claims["iss"], claims["sub"], roles)

    def _decode(self, token: str, key: Any, algorithm: str, issuer: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=self._settings.audience,
            issuer=issuer,
            leeway=5,
            options={"require": REQUIRED},
        )
        return claims


async def person(request: Request) -> Person:
    """The dependency of every route."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    tokens: Tokens = request.app.state.tokens
    try:
        if scheme.lower() != "bearer":
            raise HTTPException(401, "AUTH_REQUIRED")
        return tokens.check(token)
    except (jwt.PyJWTError, KeyError) as error:
        raise HTTPException(401, "TOKEN_INVALID") from error
