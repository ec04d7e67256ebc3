"""Who is calling: access tokens checked by RFC 8725 and RFC 9068.

Each issuer has its own keys and its own algorithm family, and the issuer claim is checked against it; the token's
header chooses nothing but the key within one.
Keys are fetched in the background, never while a request waits: an unknown key id is refused now and asks for
an early refresh. A token that was checked is remembered until it expires or the keys change.
"""

import asyncio
import base64
import time
from collections import OrderedDict
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import httpx
import jwt
import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contracts.failures import Code
from contracts.message import Actor, ActorType, Chosen
from contracts.roles import Role
from services.gateway.problems import Failure

REFRESH_SECONDS = 300.0
EARLY_REFRESH_SECONDS = 10.0
LEEWAY_SECONDS = 5
STAFF_ALGORITHM = "EdDSA"  # only our own staff tokens; the issuer is checked with it
_REMEMBERED = 1_000
_ROLES = {role.value: role for role in Role}
_TYPES = {"at+jwt", "application/at+jwt"}

log = structlog.get_logger()


class Keys:
    """The issuer's public keys, by key id, from its OIDC discovery document."""

    algorithms = ("RS256", "ES256")

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._keys: dict[str, Any] = {}
        self._wanted = asyncio.Event()
        self.generation = 0

    @property
    def loaded(self) -> bool:
        return bool(self._keys)

    def get(self, key_id: str | None) -> Any:
        """The key, or None; asks for an early refresh when it is not known."""
        key = self._keys.get(key_id or "")
        if key is None:
            self._wanted.set()
        return key

    async def run(self) -> None:
        """Fetch now, then every five minutes, or sooner when an unknown key id was seen."""
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            while True:
                try:
                    await self._fetch(client)
                    pause = REFRESH_SECONDS
                except (httpx.HTTPError, jwt.PyJWTError, KeyError, ValueError) as error:
                    log.warning("keys.unavailable", issuer=self._issuer, error=repr(error))
                    pause = 1.0
                await self._rest(pause)

    async def _rest(self, pause: float) -> None:
        await asyncio.sleep(min(pause, EARLY_REFRESH_SECONDS if self.loaded else 1.0))
        try:
            async with asyncio.timeout(max(0.0, pause - EARLY_REFRESH_SECONDS)):
                await self._wanted.wait()
        except TimeoutError:
            pass
        self._wanted.clear()

    async def _fetch(self, client: httpx.AsyncClient) -> None:
        discovery = (await client.get(f"{self._issuer}/.well-known/openid-configuration")).raise_for_status().json()
        if discovery["issuer"] != self._issuer:
            raise ValueError("the discovery document is of another issuer")
        document = (await client.get(discovery["jwks_uri"])).raise_for_status().json()
        fresh = {key.key_id: key.key for key in jwt.PyJWKSet.from_dict(document).keys if key.key_id}
        if fresh.keys() != self._keys.keys():
            self.generation += 1
        self._keys = fresh


class Authenticator:
    """Turns a bearer token into an actor, or raises Failure (AUTH_REQUIRED, TOKEN_INVALID)."""

    def __init__(self, keys: Keys, issuer: str, audience: str, staff_issuer: str, staff_key: Ed25519PublicKey) -> None:
        self._keys, self._issuer, self._audience = keys, issuer, audience
        self._staff_issuer, self._staff_key = staff_issuer, staff_key
        self._known: OrderedDict[tuple[int, bytes], tuple[float, Actor]] = OrderedDict()

    def recall(self, header: str | None) -> Actor | None:
        """The actor of a token that was checked before and still holds."""
        known = self._known.get(self._name(_token(header)))
        return known[1] if known and known[0] > time.time() else None

    def authenticate(self, header: str | None) -> Actor:
        token = _token(header)
        if not token:
            raise Failure(Code.AUTH_REQUIRED)
        known = self.recall(header)
        if known:
            return known
        actor, expires = self._check(token)
        self._known[self._name(token)] = (expires, actor)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return actor

    def _name(self, token: str) -> tuple[int, bytes]:
        return self._keys.generation, sha256(token.encode()).digest()

    def _check(self, token: str) -> tuple[Actor, float]:
        try:
            header = _unverified_header(token)
            if str(header.get("typ", "")).lower() not in _TYPES:
                raise jwt.InvalidTokenError("not an access token")
            if header.get("alg") == STAFF_ALGORITHM:
                return self._staff(token)
            return self._person(token, self._keys.get(header.get("kid")))
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, KeyError) as error:
            raise Failure(Code.TOKEN_INVALID) from error

    def _person(self, token: str, key: Any) -> tuple[Actor, float]:
        if key is None:
            raise jwt.InvalidTokenError("unknown key")
        claims = self._decode(token, key, Keys.algorithms, self._issuer)
        granted = claims.get("roles", ())
        roles = frozenset(_ROLES[name] for name in granted if isinstance(name, str) and name in _ROLES)
        return Actor(type=ActorType.USER, issuer=self._issuer, subject=claims["sub"], roles=roles), claims["exp"]

    def _staff(self, token: str) -> tuple[Actor, float]:
        claims = self._decode(token, self._staff_key, (STAFF_ALGORITHM,), self._staff_issuer)
        actor = Actor(
            type=ActorType.STAFF,
            issuer=self._staff_issuer,
            subject=claims["sub"],
            session_id=UUID(claims["sid"]),
            chosen=Chosen.model_validate_json(claims["ctx"]) if "ctx" in claims else None,
            token_expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )
        return actor, claims["exp"]

    def _decode(self, token: str, key: Any, algorithms: tuple[str, ...], issuer: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=list(algorithms),
            audience=self._audience,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
        if not 0 < len(claims["sub"]) <= 255:
            raise jwt.InvalidTokenError("sub must have 1 to 255 characters")
        return claims


def _token(header: str | None) -> str:
    scheme, _, token = (header or "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _unverified_header(token: str) -> dict[str, Any]:
    """Only to choose a key; whatever it says is checked again with the signature."""
    encoded = token.partition(".")[0]
    header: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    return header
