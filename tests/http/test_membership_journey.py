"""A membership over HTTP after it was granted: role, branches, kind, its end and a second period (P1-P6, P11)."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.http.conftest import Api
from tests.http.test_staff_journey import TENANTS, Shop, logged_in, mobile


@pytest.fixture(scope="module")
def shop(api: Api) -> Shop:
    return Shop(api)


class Person:
    """Somebody on the staff; each change names the ETag that the one before it gave."""

    def __init__(self, shop: Shop, **changes: Any) -> None:
        self.shop, self.phone = shop, mobile()
        hired = shop.add(phone=self.phone, **changes)
        assert hired.status_code == 201, hired.text
        self.path, self.etag = hired.headers["location"], hired.headers["etag"]

    def change(self, method: str, verb: str, body: dict[str, Any] | None = None, **sent: Any) -> httpx.Response:
        headers = {"If-Match": sent.pop("etag", self.etag)}
        bearer = sent.pop("bearer", self.shop.owner)
        answer = self.shop.api.call(method, f"{self.path}/{verb}", bearer, headers=headers, json=body)
        self.etag = answer.headers.get("etag", self.etag)
        return answer

    def read(self) -> httpx.Response:
        return self.shop.api.call("GET", self.path, self.shop.owner)


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_from_the_first_day_to_the_second_period(shop: Shop) -> None:  # S2.35, S2.36, P3, P6
    first, second = shop.branches
    person = Person(shop, role_key="CASHIER", branch_ids=[first])
    bearer = logged_in(shop.api, person.phone)

    promoted = person.change("PUT", "role", {"role_key": "ADMIN"})
    assert (promoted.status_code, promoted.json()["membership"]["role_key"]) == (200, "ADMIN")
    assert shop.add(bearer).status_code == 201

    added = person.change("POST", "branches", {"branch_ids": [first, second], "reason": "holidays"})
    assert added.json()["diff"] == {"added": [second], "removed": []}
    replaced = person.change("PUT", "branches", {"branch_ids": [second]})
    assert replaced.json()["diff"] == {"added": [], "removed": [first]}
    removed = person.change("DELETE", f"branches/{second}")
    assert (removed.status_code, removed.json()["branches"]) == (200, [])
    assert person.read().headers["etag"] == removed.headers["etag"] == person.etag

    revoked = person.change("POST", "revoke", {"reason": "moved away"})
    assert (revoked.status_code, revoked.json()["membership"]["status"]) == (200, "REVOKED")
    assert told(shop.add(bearer)) == (401, "TOKEN_INVALID")
    assert told(person.change("PUT", "role", {"role_key": "CASHIER"})) == (409, "MEMBER_REVOKED")

    back = shop.add(phone=person.phone, role_key="CASHIER", branch_ids=[second])
    assert (back.status_code, back.json()["outcome"]) == (200, "reactivated")
    assert back.json()["membership"]["id"] == promoted.json()["membership"]["id"]
    assert [branch["branch_id"] for branch in back.json()["branches"]] == [second]


@pytest.mark.parametrize(
    ("method", "verb", "body"),
    [
        ("PUT", "role", {"role_key": "MANAGER"}),
        ("PUT", "kind", {"kind": "OWNER"}),
        ("POST", "branches", {"branch_ids": []}),
        ("PUT", "branches", {"branch_ids": []}),
        ("DELETE", "branches/01a201b0-0000-7000-8000-00000000dead", None),
        ("POST", "revoke", {}),
    ],
)
def test_every_change_names_the_version_that_was_seen(
    shop: Shop, method: str, verb: str, body: dict[str, Any] | None
) -> None:
    person = Person(shop)
    seen = person.etag

    assert told(person.change(method, verb, body, etag=None)) == (428, "PRECONDITION_REQUIRED")
    assert told(person.change(method, verb, body, etag='"99"')) == (412, "PRECONDITION_FAILED")
    assert person.read().headers["etag"] == seen


def test_owners_come_and_go_but_one_stays(api: Api) -> None:  # P1, P11, S2.12, S2.32
    shop = Shop(api)
    partner = Person(shop, role_key="MANAGER")
    bearer = logged_in(api, partner.phone)
    leave = f"/api/v1/me/memberships/{shop.path.removeprefix(f'{TENANTS}/')}/leave"
    assert told(api.call("POST", leave, shop.owner)) == (409, "CANNOT_REMOVE_LAST_OWNER")

    promoted = partner.change("PUT", "kind", {"kind": "OWNER"})

    assert promoted.json()["membership"] | {"id": ""} == {
        "id": "",
        "kind": "OWNER",
        "role_key": "MANAGER",
        "status": "ACTIVE",
    }
    assert told(partner.change("PUT", "role", {"role_key": "CASHIER"})) == (409, "CANNOT_DEMOTE_OWNER_ROLE")
    gone = api.call("POST", leave, shop.owner)
    assert (gone.status_code, gone.content) == (204, b"")
    assert told(api.call("POST", leave, shop.owner)) == (401, "TOKEN_INVALID")
    assert told(partner.change("PUT", "kind", {"kind": "MEMBER"}, bearer=bearer)) == (409, "CANNOT_REMOVE_LAST_OWNER")
    assert told(partner.change("POST", "revoke", {}, bearer=bearer)) == (409, "CANNOT_REMOVE_LAST_OWNER")


def test_who_is_no_member_has_nothing_to_leave(shop: Shop) -> None:
    stranger = Shop(shop.api)

    for tenant in (shop.path.removeprefix(f"{TENANTS}/"), uuid4()):
        assert told(shop.api.call("POST", f"/api/v1/me/memberships/{tenant}/leave", stranger.owner)) == (
            404,
            "NOT_FOUND",
        )


def test_nobody_reaches_above_themselves(shop: Shop) -> None:  # P2
    admin = Person(shop, role_key="ADMIN")
    bearer = logged_in(shop.api, admin.phone)
    owner = shop.api.call("GET", f"{shop.path}/staff?limit=1", shop.owner).json()["data"][0]
    path, etag = f"{shop.path}/staff/{owner['account_id']}", f'"{owner["version"]}"'

    revoked = shop.api.call("POST", f"{path}/revoke", bearer, headers={"If-Match": etag}, json={})

    assert owner["membership"]["kind"] == "OWNER"
    assert told(revoked) == (403, "ROLE_CEILING_EXCEEDED")
    assert told(admin.change("PUT", "kind", {"kind": "OWNER"}, bearer=bearer)) == (403, "PERMISSION_DENIED")


def test_a_role_is_defined_worn_and_removed_while_the_shop_works(shop: Shop) -> None:  # P5
    roles, barista = f"{shop.path}/roles", {"role_key": "BARISTA", "level": 20, "permissions": ["sale.open"]}

    def define(**changes: Any) -> httpx.Response:
        return shop.api.call("POST", roles, shop.owner, json=barista | changes)

    assert [define().status_code, define().status_code, define(level=30).status_code] == [201, 200, 200]
    assert told(define(permissions=["role.define"])) == (422, "VALIDATION_FAILED")
    assert told(define(role_key="barista")) == (422, "ROLE_KEY_INVALID")
    person = Person(shop, role_key="BARISTA")
    assert told(shop.api.call("DELETE", f"{roles}/BARISTA", shop.owner)) == (409, "ROLE_IN_USE")
    assert person.change("PUT", "role", {"role_key": "CASHIER"}).status_code == 200

    removed = shop.api.call("DELETE", f"{roles}/BARISTA", shop.owner)

    assert (removed.status_code, removed.content) == (204, b"")
    assert told(shop.api.call("DELETE", f"{roles}/BARISTA", shop.owner)) == (404, "NOT_FOUND")
    assert told(shop.add(role_key="BARISTA")) == (422, "ROLE_KEY_INVALID")
