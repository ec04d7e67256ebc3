"""A shop over HTTP: the owner by OTP, branches, a person in one call (S2.1-S2.6, S2.44)."""

import re
import secrets
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.http.conftest import Api
from tests.support import eventually_true
from tests.support.web import NO_TLS

TENANTS = "/api/v1/tenants"


def mobile() -> str:
    """A valid Cambodian mobile number nobody has yet."""
    return f"+85512{secrets.randbelow(900_000) + 100_000}"


def code_for(api: Api, phone: str) -> str:
    """The newest code the SMS provider took for this number."""
    state = api.stack.state
    headers = {"Authorization": f"Bearer {state.secrets['sms_token']}"}

    def newest() -> str | None:
        answer = httpx.get(
            f"{state.url('sms')}/v1/messages", params={"to": phone}, headers=headers, trust_env=False, verify=NO_TLS
        ).json()
        codes = [found[0] for message in answer["data"] if (found := re.search(r"\b\d{6}\b", message["body"]))]
        return codes[0] if codes else None

    return eventually_true(newest, "an SMS with a code") or ""


def logged_in(api: Api, phone: str) -> str:
    """Activate the person behind the phone and open a session; returns the access token."""
    password = secrets.token_urlsafe(12)
    assert api.call("POST", "/api/v1/activation", json={"phone": phone}).status_code == 202
    proof = {"phone": phone, "code": code_for(api, phone), "password": password}
    assert api.call("POST", "/api/v1/activation/verify", json=proof).status_code == 204
    opened = api.call("POST", "/api/v1/sessions", json={"phone": phone, "password": password})
    assert opened.status_code == 201, opened.text
    assert opened.headers["cache-control"] == "no-store"
    return str(opened.json()["access_token"])


class Shop:
    """A tenant with its owner logged in and two branches."""

    def __init__(self, api: Api) -> None:
        self.api = api
        root = api.token("root-admin-1", "RoleRootAdmin")
        self.phone = mobile()
        body = {"name": "Café Lumière", "region": "KH", "owner": {"phone": self.phone, "display_name": "Sokha Chan"}}
        tenant = api.call("POST", TENANTS, root, json=body)
        assert tenant.status_code == 201, tenant.text
        self.path = f"{TENANTS}/{tenant.json()['id']}"
        self.owner = logged_in(api, self.phone)
        self.branches = [
            api.call("POST", f"{self.path}/branches", self.owner, json={"name": name}).json()["id"]
            for name in ("Riverside", "Market")
        ]

    def add(self, bearer: str | None = None, **changes: Any) -> httpx.Response:
        person = {
            "phone": mobile(),
            "display_name": "Dara Kim",
            "role_key": "MANAGER",
            "branch_ids": self.branches,
            "notify": "none",
        }
        return self.api.call("POST", f"{self.path}/staff", bearer or self.owner, json=person | changes)


@pytest.fixture(scope="module")
def shop(api: Api) -> Shop:
    return Shop(api)


def test_one_call_makes_a_member_with_a_profile_and_branches(shop: Shop) -> None:  # S2.1-S2.6
    answer = shop.add()

    staff = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{shop.path}/staff/{staff['account_id']}"
    assert (staff["membership"]["kind"], staff["membership"]["role_key"]) == ("MEMBER", "MANAGER")
    assert [branch["branch_id"] for branch in staff["branches"]] == shop.branches
    read = shop.api.call("GET", answer.headers["location"], shop.owner)
    assert read.headers["etag"] == answer.headers["etag"]


def test_the_new_person_activates_alone_and_may_not_add_others(shop: Shop) -> None:  # S2.17, S2.44
    phone = mobile()
    assert shop.add(phone=phone, role_key="MANAGER").status_code == 201

    manager = logged_in(shop.api, phone)

    assert shop.add(manager).json()["code"] == "PERMISSION_DENIED"


def test_a_stranger_and_an_unknown_tenant_look_the_same(shop: Shop) -> None:  # S2.21
    stranger = Shop(shop.api).owner

    foreign = shop.api.call("POST", f"{shop.path}/staff", stranger, json={**shop_body(), "branch_ids": shop.branches})
    unknown = shop.api.call("POST", f"{TENANTS}/{uuid4()}/staff", stranger, json=shop_body())

    assert foreign.status_code == unknown.status_code == 404
    same = ("type", "title", "status", "detail", "code", "retryable")
    assert [foreign.json()[field] for field in same] == [unknown.json()[field] for field in same]


def shop_body() -> dict[str, Any]:
    return {"phone": mobile(), "display_name": "X", "role_key": "MANAGER", "branch_ids": [str(uuid4())]}


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"phone": "12"}, 422, "PHONE_INVALID"),
        ({"display_name": "  "}, 422, "DISPLAY_NAME_INVALID"),
        ({"role_key": "EMPEROR"}, 422, "ROLE_KEY_INVALID"),
        ({"branch_ids": []}, 422, "BRANCH_REQUIRED"),
        ({"branch_ids": [str(uuid4())]}, 422, "BRANCH_NOT_FOUND"),
        ({"password": "hunter2hunter2"}, 422, "VALIDATION_FAILED"),
    ],
)
def test_each_wrong_input_has_its_code(shop: Shop, changes: dict[str, Any], status: int, code: str) -> None:
    answer = shop.add(**changes)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_known_phone_is_answered_like_a_new_one(shop: Shop) -> None:  # S2.7
    other, phone = Shop(shop.api), mobile()
    new = other.add(phone=phone)

    known = shop.add(phone=phone)

    assert (new.status_code, known.status_code) == (201, 201)
    assert new.json().keys() == known.json().keys()
    assert new.json()["account_id"] == known.json()["account_id"]


def test_a_wrong_password_and_an_unknown_phone_get_the_same_answer(shop: Shop) -> None:
    wrong = shop.api.call("POST", "/api/v1/sessions", json={"phone": shop.phone, "password": "not the password"})
    unknown = shop.api.call("POST", "/api/v1/sessions", json={"phone": mobile(), "password": "not the password"})

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["detail"] == unknown.json()["detail"]


def test_a_wrong_code_does_not_activate(shop: Shop) -> None:
    phone = mobile()
    shop.add(phone=phone)
    shop.api.call("POST", "/api/v1/activation", json={"phone": phone})
    right = code_for(shop.api, phone)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"

    answer = shop.api.call(
        "POST", "/api/v1/activation/verify", json={"phone": phone, "code": wrong, "password": "long enough, really"}
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "OTP_INVALID")


def test_secrets_are_in_no_log_and_no_table(shop: Shop) -> None:  # S2.8, S2.29
    canary = f"canary-{secrets.token_hex(16)}"
    phone = mobile()
    shop.add(phone=phone)
    shop.api.call("POST", "/api/v1/activation", json={"phone": phone})
    proof = {"phone": phone, "code": code_for(shop.api, phone), "password": canary}
    assert shop.api.call("POST", "/api/v1/activation/verify", json=proof).status_code == 204

    opened = shop.api.call("POST", "/api/v1/sessions", json={"phone": phone, "password": canary}).json()

    logs = "".join(owner.log.read_text() for owner in shop.api.owners.values())
    for secret in (canary, opened["access_token"], opened["refresh_token"], phone):
        assert secret not in logs
    for secret in (canary, opened["access_token"], opened["refresh_token"]):
        assert secret.encode() not in _dump(shop.api)


def _dump(api: Api) -> bytes:
    with psycopg.connect(api.stack.state.admin_dsn) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'staffing'").fetchall()
        rows = []
        for (table,) in tables:
            for row in connection.execute(f"SELECT * FROM staffing.{table}").fetchall():
                rows += [value if isinstance(value, bytes) else str(value).encode() for value in row]
        return b"\n".join(rows)
