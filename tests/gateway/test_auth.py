"""Access tokens by RFC 8725: only the issuer's keys and algorithms, only for us, only in time."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.message import ActorType, Chosen
from contracts.roles import Role
from deploy.local.stack import Stack
from services.gateway import auth
from services.gateway.auth import Authenticator, Keys
from services.gateway.problems import Failure
from services.wire.actor import private_key
from tests.support.web import NO_TLS

pytestmark = pytest.mark.asyncio
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Door:
    """The gateway's authenticator, its keys fetched from the stack's identity provider."""

    def __init__(self, stack: Stack) -> None:
        self.state = stack.state
        self.issuer = self.state.url("oidc")
        self.staff = private_key(self.state.secrets["staff_signing_key"])
        self.keys = Keys(self.issuer)
        self.authenticator = Authenticator(
            self.keys, self.issuer, "gatehouse", "gatehouse-staff", self.staff.public_key()
        )

    async def token(self, **form: Any) -> str:
        fields = {
            "grant_type": "client_credentials",
            "client_secret": self.state.secrets["oidc_client_secret"],
            "subject": "auth0|ada",
            "audience": "gatehouse",
            "role": ["RolePartnerAdmin"],
        }
        async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
            answer = await client.post(f"{self.issuer}/token", data={**fields, **form})
        return str(answer.raise_for_status().json()["access_token"])

    def enter(self, token: str) -> Any:
        return self.authenticator.authenticate(f"Bearer {token}")

    def refuses(self, token: str) -> bool:
        try:
            self.enter(token)
        except Failure as failure:
            return failure.code == "TOKEN_INVALID"
        return False

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        fields = {"iss": self.issuer, "aud": "gatehouse", "sub": "eve", "iat": now, "exp": now + 60}
        return {name: value for name, value in (fields | changes).items() if value is not None}


@pytest_asyncio.fixture
async def door(stack: Stack) -> AsyncIterator[Door]:
    door = Door(stack)
    running = asyncio.create_task(door.keys.run())
    async with asyncio.timeout(10):
        while not door.keys.loaded:
            await asyncio.sleep(0.01)
    yield door
    running.cancel()


async def test_a_good_token_tells_who_is_calling_and_with_what_roles(door: Door) -> None:
    actor = door.enter(await door.token(role=["RolePartnerAdmin", "RoleOfAnotherSystem"]))

    assert (actor.type, actor.issuer, actor.subject) == (ActorType.USER, door.issuer, "auth0|ada")
    assert actor.roles == {Role.PARTNER_ADMIN}


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic YTpi", "Bearer "])
async def test_without_a_bearer_token_nobody_enters(door: Door, header: str | None) -> None:
    with pytest.raises(Failure) as refused:
        door.authenticator.authenticate(header)

    assert refused.value.code == "AUTH_REQUIRED"


@pytest.mark.parametrize("form", [{"ttl": "-60"}, {"audience": "another-api"}], ids=["expired", "for another audience"])
async def test_a_real_token_out_of_place_is_refused(door: Door, form: dict[str, str]) -> None:
    assert door.refuses(await door.token(**form))


async def test_an_altered_token_is_refused(door: Door) -> None:
    head, body, signature = (await door.token()).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["roles"] = ["RoleRootAdmin"]
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()

    assert door.refuses(f"{head}.{forged}.{signature}")


async def test_a_token_without_a_signature_is_refused(door: Door) -> None:
    assert door.refuses(jwt.encode(door.claims(), "", algorithm="none", headers={"typ": "at+jwt"}))


async def test_the_public_key_is_no_shared_secret(door: Door) -> None:
    """RFC 8725 §2.1: an HS256 token keyed with the RSA public key."""
    key_id, public = next(iter(door.keys._keys.items()))  # noqa: SLF001
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = _part({"alg": "HS256", "typ": "at+jwt", "kid": key_id})
    signed = f"{head}.{_part(door.claims())}"
    signature = hmac.new(pem, signed.encode(), sha256).digest()

    assert door.refuses(f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")


async def test_somebody_elses_key_is_refused_whatever_its_id_says(door: Door) -> None:
    key_id = next(iter(door.keys._keys))  # noqa: SLF001

    for kid in (key_id, "unknown"):
        assert door.refuses(jwt.encode(door.claims(), STRANGER, "RS256", headers={"typ": "at+jwt", "kid": kid}))


async def test_a_staff_token_enters_with_its_account_and_no_roles(door: Door) -> None:
    session = uuid4()
    token = _staff(door, door.staff, roles=["RoleRootAdmin"], sid=str(session))

    actor = door.enter(token)

    assert (actor.session_id, actor.chosen) == (session, None)
    assert (actor.type, actor.issuer, actor.roles) == (ActorType.STAFF, "gatehouse-staff", frozenset())


async def test_a_staff_token_brings_the_context_that_was_chosen(door: Door) -> None:
    chosen = Chosen(tenant_id=uuid4(), branch_id=uuid4(), since=datetime(2026, 11, 28, 9, 30, tzinfo=UTC))

    assert door.enter(_staff(door, door.staff, ctx=chosen.model_dump_json())).chosen == chosen
    assert door.refuses(_staff(door, door.staff, ctx="everywhere"))


async def test_a_staff_token_without_a_session_is_refused(door: Door) -> None:
    assert door.refuses(_staff(door, door.staff, sid="none"))


async def test_each_issuer_has_its_own_keys(door: Door) -> None:  # RFC 8725 §3.10
    assert door.refuses(_staff(door, Ed25519PrivateKey.generate()))
    assert door.refuses(jwt.encode(door.claims(), door.staff, "EdDSA", headers={"typ": "at+jwt"}))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"iss": "https://evil.example"}, id="another issuer"),
        pytest.param({"exp": None}, id="no expiry"),
        pytest.param({"aud": None}, id="no audience"),
        pytest.param({"sub": None}, id="no subject"),
        pytest.param({"sub": ""}, id="an empty subject"),
        pytest.param({"sub": "x" * 256}, id="a subject of 256 characters"),
        pytest.param({"nbf": int(time.time()) + 3600}, id="not yet valid"),
    ],
)
async def test_a_token_with_wrong_claims_is_refused(door: Door, changes: dict[str, Any]) -> None:
    assert door.refuses(_staff(door, door.staff, **changes))


async def test_an_id_token_is_no_access_token(door: Door) -> None:
    claims = door.claims(iss="gatehouse-staff")

    assert door.refuses(jwt.encode(claims, door.staff, "EdDSA", headers={"typ": "JWT"}))


@pytest.mark.parametrize("garbage", ["x", "a.b.c", "é.é.é", "." * 10, "eyJ" * 1000])
async def test_garbage_is_refused(door: Door, garbage: str) -> None:
    assert door.refuses(garbage)


async def test_a_remembered_token_is_refused_once_it_has_expired(door: Door) -> None:
    token = await door.token(ttl="2")
    door.enter(token)
    remembered = door.authenticator._known  # noqa: SLF001
    for name, (_, actor) in list(remembered.items()):
        remembered[name] = (time.time() - 1, actor)
    expired = await door.token(ttl="-60")

    assert door.refuses(expired)
    assert door.enter(token).subject == "auth0|ada"


async def test_new_keys_of_the_provider_are_picked_up_in_the_background(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "EARLY_REFRESH_SECONDS", 0.05)
    monkeypatch.setattr(auth, "REFRESH_SECONDS", 60.0)
    keys = Keys(door.issuer)
    running = asyncio.create_task(keys.run())
    async with asyncio.timeout(10):
        while not keys.loaded:
            await asyncio.sleep(0.01)
    async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
        secret = {"Authorization": f"Bearer {door.state.secrets['oidc_rotate_secret']}"}
        (await client.post(f"{door.issuer}/rotate", headers=secret)).raise_for_status()
    key_id = jwt.get_unverified_header(await door.token())["kid"]

    assert keys.get(key_id) is None

    async with asyncio.timeout(10):
        while keys.get(key_id) is None:
            await asyncio.sleep(0.02)
    running.cancel()


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _staff(door: Door, key: Ed25519PrivateKey, **changes: Any) -> str:
    claims = door.claims(**{"iss": "gatehouse-staff", "sid": str(uuid4()), **changes})
    return jwt.encode(claims, key, "EdDSA", headers={"typ": "at+jwt"})
