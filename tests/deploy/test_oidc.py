"""The development identity provider speaks the real protocol and gives anonymous callers the public documents only."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import pytest_asyncio

from deploy.local.oidc import OidcSettings, build

ISSUER = "http://127.0.0.1:1"
SECRET = "client-secret"


def settings(directory: Path) -> OidcSettings:
    return OidcSettings(
        http_port=1,
        oidc_issuer=ISSUER,
        oidc_client_secret=SECRET,
        oidc_rotate_secret="rotate-secret",
        oidc_keys=directory / "keys.json",
    )


@pytest_asyncio.fixture
async def provider(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(build(settings(tmp_path)))
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as client:
        yield client


def request(**fields: Any) -> dict[str, Any]:
    return {"grant_type": "client_credentials", "client_secret": SECRET, "subject": "ada"} | fields


async def keys(provider: httpx.AsyncClient) -> jwt.PyJWKSet:
    """The published keys, found the way a client finds them."""
    discovery = (await provider.get("/.well-known/openid-configuration")).json()
    return jwt.PyJWKSet.from_dict((await provider.get(discovery["jwks_uri"])).json())


async def verified(provider: httpx.AsyncClient, token: str) -> dict[str, Any]:
    key = (await keys(provider))[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], audience="gatehouse", issuer=ISSUER)
    return claims


async def test_a_token_verifies_with_the_published_keys_and_carries_the_roles(provider: httpx.AsyncClient) -> None:
    answer = await provider.post("/token", data=request(role=["RoleRootAdmin", "RoleOps"], ttl="60", amr=["hwk"]))
    token = answer.json()["access_token"]
    claims = await verified(provider, token)

    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    assert (claims["sub"], claims["roles"], claims["amr"]) == ("ada", ["RoleRootAdmin", "RoleOps"], ["hwk"])
    assert claims["exp"] - claims["iat"] == 60
    assert {"client_id", "jti", "nbf"} <= claims.keys()


async def test_a_negative_ttl_makes_a_token_that_has_been_valid_and_no_longer_is(provider: httpx.AsyncClient) -> None:
    answer = await provider.post("/token", data=request(ttl="-60"))

    with pytest.raises(jwt.ExpiredSignatureError):
        await verified(provider, answer.json()["access_token"])


async def test_after_a_rotation_a_new_key_signs_and_earlier_tokens_still_verify(provider: httpx.AsyncClient) -> None:
    before = (await provider.post("/token", data=request())).json()["access_token"]
    rotated = await provider.post("/rotate", headers={"Authorization": "Bearer rotate-secret"})
    after = (await provider.post("/token", data=request())).json()["access_token"]

    assert jwt.get_unverified_header(after)["kid"] == rotated.json()["kid"] != jwt.get_unverified_header(before)["kid"]
    assert (await verified(provider, before))["sub"] == (await verified(provider, after))["sub"] == "ada"


async def test_keys_survive_a_restart(provider: httpx.AsyncClient, tmp_path: Path) -> None:
    published = (await provider.get("/jwks.json")).json()
    restarted = httpx.ASGITransport(build(settings(tmp_path)))
    async with httpx.AsyncClient(transport=restarted, base_url=ISSUER) as client:
        assert (await client.get("/jwks.json")).json() == published


async def test_the_client_may_also_authenticate_by_http_basic(provider: httpx.AsyncClient) -> None:
    form = {name: value for name, value in request().items() if name != "client_secret"}

    assert (await provider.post("/token", data=form, auth=("gatehouse-cli", SECRET))).status_code == 200


BASIC = base64.b64encode(b"gatehouse-cli:wrong").decode()


@pytest.mark.parametrize(
    ("form", "headers", "status"),
    [
        pytest.param({"client_secret": "wrong"}, {}, 401, id="wrong secret"),
        pytest.param({"client_secret": ""}, {}, 401, id="no secret"),
        pytest.param({}, {"Authorization": f"Basic {BASIC}"}, 401, id="a wrong Basic header beats the form"),
        pytest.param({}, {"Authorization": "Basic ~"}, 401, id="broken Basic header"),
        pytest.param({"grant_type": "password"}, {}, 400, id="another grant"),
        pytest.param({"subject": ""}, {}, 400, id="nobody"),
        pytest.param({"ttl": "forever"}, {}, 400, id="ttl is not a number"),
        pytest.param({"ttl": "86401"}, {}, 400, id="ttl of more than a day"),
    ],
)
async def test_no_token_for(
    provider: httpx.AsyncClient, form: dict[str, str], headers: dict[str, str], status: int
) -> None:
    answer = await provider.post("/token", data=request(**form), headers=headers)

    assert answer.status_code == status
    assert "access_token" not in answer.text


async def test_rotation_needs_its_secret_and_published_keys_have_no_private_half(provider: httpx.AsyncClient) -> None:
    assert (await provider.post("/rotate")).status_code == 401
    assert (await provider.post("/rotate", headers={"Authorization": f"Bearer {SECRET}"})).status_code == 401
    assert {name for key in (await provider.get("/jwks.json")).json()["keys"] for name in key} == {
        *("kty", "use", "alg", "kid", "n", "e")
    }
