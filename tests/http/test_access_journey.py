"""Access over HTTP: no branch, one, many; a chosen context; a freeze; who may ask, what a search finds (P11, P13)."""

from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest

from tests.http.conftest import Api
from tests.http.test_staff_journey import TENANTS, Shop, logged_in, mobile

CONTEXT, CHECK, MINE = "/api/v1/me/context", "/api/v1/access/check", "/api/v1/me/memberships"


@pytest.fixture(scope="module")
def shop(api: Api) -> Shop:
    return Shop(api)


@pytest.fixture(scope="module")
def cashier(shop: Shop) -> str:
    """Somebody with two branches, logged in."""
    phone = mobile()
    assert shop.add(phone=phone, role_key="CASHIER", display_name="Élise Kim").status_code == 201
    return logged_in(shop.api, phone)


def tenant_of(shop: Shop) -> str:
    return shop.path.removeprefix(f"{TENANTS}/")


def choose(shop: Shop, bearer: str, branch: str | None = None) -> httpx.Response:
    body = {"tenant_id": tenant_of(shop)} | ({"branch_id": branch} if branch else {})
    return shop.api.call("POST", CONTEXT, bearer, json=body)


def check(shop: Shop, bearer: str, action: str = "branch.work", **more: str) -> httpx.Response:
    return shop.api.call("POST", CHECK, bearer, json={"tenant_id": tenant_of(shop), "action": action, **more})


def told(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    return answer.status_code, body.get("code") or body.get("reason") or "chosen"


def test_no_branch_one_and_many(shop: Shop, cashier: str) -> None:  # S2.42, S2.43, S2.60
    phone = mobile()
    assert shop.add(phone=phone, branch_ids=shop.branches[:1]).status_code == 201
    one = logged_in(shop.api, phone)

    automatic, picked = choose(shop, one), choose(shop, cashier, shop.branches[1])

    assert told(choose(shop, shop.owner)) == (403, "NO_BRANCH_ASSIGNMENT")
    assert told(choose(shop, cashier)) == (403, "BRANCH_CONTEXT_REQUIRED")
    assert told(choose(shop, cashier, str(uuid4()))) == (403, "NO_BRANCH_ACCESS")
    assert automatic.json()["branch_id"] == shop.branches[0]
    assert (picked.status_code, picked.headers["cache-control"]) == (200, "no-store")
    assert picked.json().keys() == {"access_token", "expires_in", "tenant_id", "branch_id"}
    assert check(shop, picked.json()["access_token"]).json() == {
        "decision": "ALLOW",
        "reason": "GRANTED",
        "branch_id": shop.branches[1],
        "missing": [],
        "who_may_grant": [],
    }


def test_a_context_is_the_same_session_and_the_token_no_younger(shop: Shop, cashier: str) -> None:
    picked = choose(shop, cashier, shop.branches[0]).json()
    again = choose(shop, picked["access_token"], shop.branches[1]).json()

    first, second, third = (
        jwt.decode(token, options={"verify_signature": False})
        for token in (cashier, picked["access_token"], again["access_token"])
    )
    assert first["sid"] == second["sid"] == third["sid"]
    assert first["exp"] == second["exp"] == third["exp"]
    assert 0 < again["expires_in"] <= picked["expires_in"] <= 600


def test_a_frozen_branch_refuses_work_and_keeps_its_people(shop: Shop, cashier: str) -> None:  # S2.14
    at_work = choose(shop, cashier, shop.branches[0]).json()["access_token"]
    branch = f"{shop.path}/branches/{shop.branches[0]}"

    before = told(check(shop, at_work))
    shop.api.call("POST", f"{branch}/freeze", shop.owner)
    frozen = [told(check(shop, at_work)), told(choose(shop, cashier, shop.branches[0])), told(choose(shop, shop.owner))]
    shop.api.call("POST", f"{branch}/activate", shop.owner)

    assert before == (200, "GRANTED")
    assert frozen == [(200, "BRANCH_FROZEN"), (403, "BRANCH_FROZEN"), (403, "NO_BRANCH_ASSIGNMENT")]
    assert told(check(shop, at_work)) == (200, "GRANTED")


def test_each_denial_says_what_is_missing_and_who_may_grant_it(shop: Shop, cashier: str) -> None:
    denied = check(shop, cashier, "staff.provision").json()

    assert denied == {
        "decision": "DENY",
        "reason": "PERMISSION_DENIED",
        "branch_id": None,
        "missing": [{"kind": "permission", "value": "staff.provision"}],
        "who_may_grant": ["OWNER", "ADMIN"],
    }


def test_who_asks_about_somebody_else_and_may_not_finds_nothing(shop: Shop, cashier: str) -> None:
    account = jwt.decode(cashier, options={"verify_signature": False})["sub"]
    owner = jwt.decode(shop.owner, options={"verify_signature": False})["sub"]
    ops, contact = shop.api.token("ops-1", "RoleOps"), shop.api.token("contact-1", "RolePartnerAdmin")

    assert told(check(shop, shop.owner, account_id=account)) == (200, "BRANCH_CONTEXT_REQUIRED")
    assert told(check(shop, ops, account_id=account)) == (200, "BRANCH_CONTEXT_REQUIRED")
    assert told(check(shop, ops)) == (422, "VALIDATION_FAILED")
    assert told(check(shop, cashier, account_id=owner)) == (404, "NOT_FOUND")
    assert told(check(shop, contact, account_id=owner)) == (404, "NOT_FOUND")
    assert told(shop.api.call("POST", CHECK, json={})) == (401, "AUTH_REQUIRED")
    assert told(check(shop, cashier, "NOT AN ACTION")) == (422, "VALIDATION_FAILED")


def test_my_memberships_and_the_registry_of_roles(shop: Shop, cashier: str) -> None:
    mine = shop.api.call("GET", MINE, cashier).json()
    roles = shop.api.call("GET", f"{shop.path}/roles", shop.owner).json()

    assert [(m["tenant_id"], m["role_key"], m["status"]) for m in mine["data"]] == [
        (tenant_of(shop), "CASHIER", "ACTIVE")
    ]
    assert [branch["branch_id"] for branch in mine["data"][0]["branches"]] == shop.branches
    assert [role["role_key"] for role in roles["data"]] == ["ADMIN", "MANAGER", "CASHIER"]
    assert told(shop.api.call("GET", f"{shop.path}/roles", cashier)) == (403, "PERMISSION_DENIED")
    assert told(shop.api.call("GET", f"{shop.path}/roles", Shop(shop.api).owner)) == (404, "NOT_FOUND")
    assert told(shop.api.call("GET", MINE, shop.api.token("ops-1", "RoleOps"))) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "éLISE"}, ["Élise Kim"]),
        ({"q": "kim", "role_key": "CASHIER", "status": "ACTIVE"}, ["Élise Kim"]),
        ({"status": "REVOKED"}, []),
        ({"q": "\0"}, "VALIDATION_FAILED"),
        ({"status": "GONE"}, "VALIDATION_FAILED"),
        ({"branch_id": "x"}, "VALIDATION_FAILED"),
        ({"starting_after": str(uuid4()), "q": "kim"}, "CURSOR_INVALID"),
    ],
)
@pytest.mark.usefixtures("cashier")
def test_staff_are_searched(shop: Shop, asked: dict[str, str], found: Any) -> None:
    answer = shop.api.call("GET", f"{shop.path}/staff", shop.owner, params=asked).json()

    assert answer.get("code", [person["profile"]["display_name"] for person in answer.get("data", [])]) == found


def test_a_chosen_token_is_in_no_log(shop: Shop, cashier: str) -> None:
    token = choose(shop, cashier, shop.branches[0]).json()["access_token"]

    assert token not in "".join(owner.log.read_text() for owner in shop.api.owners.values())
