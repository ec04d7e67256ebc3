"""Plans, updates, bulk calls and quotas over HTTP, through the real gateway and topics."""

import random
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic_core import to_json

from services.gateway.routes.staff import MAX_BULK_BYTES
from tests.http.conftest import Api
from tests.http.test_staff_journey import Shop, mobile


@pytest.fixture(scope="module")
def shop(api: Api) -> Shop:
    return Shop(api)


def person(shop: Shop, **changes: Any) -> dict[str, Any]:
    plain = {"phone": mobile(), "display_name": "Dara Kim", "role_key": "CASHIER", "branch_ids": shop.branches}
    return plain | changes


def add(shop: Shop, query: str, body: dict[str, Any], **sent: Any) -> httpx.Response:
    return shop.api.call("POST", f"{shop.path}/staff{query}", shop.owner, json=body, **sent)


def bulk(shop: Shop, rows: list[dict[str, Any]], mode: str = "per_row") -> httpx.Response:
    return shop.api.call("POST", f"{shop.path}/staff/bulk", shop.owner, json={"mode": mode, "rows": rows})


def test_a_plan_needs_no_key_and_is_done_while_it_holds(shop: Shop) -> None:
    body = person(shop)

    plan = add(shop, "?dry_run=true", body, headers={"Idempotency-Key": None})
    done = add(shop, "", body, headers={"If-Match": plan.headers["etag"]})
    stale = add(shop, "", body, headers={"If-Match": plan.headers["etag"]})

    assert (plan.status_code, plan.json()["status"], plan.json()["outcome"]) == (200, 201, "created")
    told = ["membership.granted", "staff.provisioned", "branch_access.granted", "branch_access.granted"]
    assert [event["type"] for event in plan.json()["events"]] == told
    assert (done.status_code, done.json()["outcome"]) == (201, "created")
    assert (stale.status_code, stale.json()["code"]) == (412, "PRECONDITION_FAILED")


def test_a_plan_is_a_problem_where_the_call_would_be_one(shop: Shop) -> None:
    body = person(shop, branch_ids=[str(uuid4())])

    planned, done = add(shop, "?dry_run=true", body), add(shop, "?dry_run=false", body)

    same = ("status", "code", "errors", "existing")
    assert [planned.json()[field] for field in same] == [done.json()[field] for field in same]


def test_a_stranger_hears_nothing_of_wrong_parameters(shop: Shop) -> None:
    answer = shop.api.call("POST", f"{shop.path}/staff?nonsense=1", json={})

    assert (answer.status_code, answer.json()["code"]) == (401, "AUTH_REQUIRED")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("?dry_run=maybe", "/dry_run"),
        ("?dry_run=", "/dry_run"),
        ("?dry_run=true&dry_run=false", "/dry_run"),
        ("?if_exists=update&if_exists=refuse", "/if_exists"),
        ("?if_exists=replace", "/if_exists"),
        ("?plan=x", "/plan"),
        ("?notify=sms", "/notify"),
        ("?tenant_id=x", "/tenant_id"),
    ],
)
def test_any_other_query_parameter_is_refused(shop: Shop, query: str, pointer: str) -> None:
    answer = add(shop, query, person(shop))

    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("field", ["if_exists", "plan", "dry_run", "tenant_id"])
def test_the_body_may_not_say_what_the_query_and_the_headers_say(shop: Shop, field: str) -> None:
    answer = add(shop, "", person(shop, **{field: "refuse"}))

    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED")


@pytest.mark.parametrize("etag", ["*", '"1"', 'W/"x"', "x"])
def test_an_etag_that_is_no_plan_matches_nothing(shop: Shop, etag: str) -> None:
    answer = add(shop, "", person(shop), headers={"If-Match": etag})

    assert (answer.status_code, answer.json()["code"]) == (412, "PRECONDITION_FAILED")


def test_one_key_stands_for_one_choice_of_what_to_do_with_who_exists(shop: Shop) -> None:
    body, key = person(shop), {"Idempotency-Key": uuid4().hex}

    first, other = add(shop, "", body, headers=key), add(shop, "?if_exists=update", body, headers=key)

    assert (first.status_code, other.json()["code"]) == (201, "IDEMPOTENCY_KEY_REUSED")


def test_a_thousand_ordinary_rows_pass_and_the_same_again_creates_nobody(api: Api) -> None:  # P7
    shop = Shop(api)
    numbers = [number for n in random.sample(range(100_000, 1_000_000), 1001) if (number := f"+85512{n}") != shop.phone]
    rows = [
        person(shop, key=f"hr-{n}", display_name="ចាន់ សុខា មករា", phone="12" if n % 100 == 7 else numbers[n])
        for n in range(1000)
    ]

    first, again = bulk(shop, rows), bulk(shop, rows)

    assert (first.status_code, first.json()["created"]) == (200, 990)
    assert (again.json()["created"], again.json()["results"]) == (0, first.json()["results"])


def test_a_thousand_rows_with_a_hundred_branches_each_are_too_large(shop: Shop) -> None:
    branches = [str(uuid4()) for _ in range(100)]

    answer = bulk(shop, [person(shop, key=f"row-{n}", branch_ids=branches) for n in range(1000)])

    assert (answer.status_code, answer.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("mode", ["per_row", "atomic"])
def test_the_largest_call_is_answered_in_full(shop: Shop, mode: str) -> None:
    """Nearly 1 MiB in, and every one of its 23,000 unknown branches named on the way out."""
    rows = [person(shop, key=f"r{n}", branch_ids=[str(uuid4()) for _ in range(23)]) for n in range(1000)]
    assert len(to_json({"mode": mode, "rows": rows})) > 0.9 * MAX_BULK_BYTES

    answer = bulk(shop, rows, mode)

    problems = [answer.json()] if mode == "atomic" else answer.json()["results"]
    assert answer.status_code == (422 if mode == "atomic" else 200), answer.text[:500]
    assert {problem["code"] for problem in problems} == {"BRANCH_NOT_FOUND"}
    assert sum(len(problem["errors"]) for problem in problems) == 23_000


def test_an_atomic_call_names_its_bad_rows(shop: Shop) -> None:
    rows = [person(shop, key="a"), person(shop, key="b", phone="12"), person(shop, key="c", role_key="KING")]

    answer = bulk(shop, rows, "atomic")

    assert (answer.status_code, answer.json()["code"]) == (422, "PHONE_INVALID")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/rows/1/phone", "/rows/2/role_key"]


def test_a_root_admin_sets_quotas_and_an_owner_reads_them(shop: Shop) -> None:
    root, path = shop.api.token("root-admin-1", "RoleRootAdmin"), f"{shop.path}/quotas"
    limits = {"staff": 5000, "branches": 9, "role_keys": 9}

    done = shop.api.call("PUT", path, root, json=limits)
    read = shop.api.call("GET", path, shop.owner)
    refused = shop.api.call("PUT", path, shop.owner, json=limits)

    assert (done.status_code, read.json()) == (200, done.json())
    assert {name: quota["limit"] for name, quota in read.json().items()} == limits
    assert (refused.status_code, refused.json()["code"]) == (403, "ROLE_REQUIRED")


def test_the_openapi_document_names_the_parameters(api: Api) -> None:
    operation = api.call("GET", "/openapi.json").json()["paths"]["/api/v1/tenants/{tenant_id}/staff"]["post"]

    named = {(p["in"], p["name"]): p for p in operation["parameters"]}
    assert named["query", "if_exists"]["schema"]["enum"] == ["refuse", "update"]
    assert named["query", "dry_run"]["schema"]["type"] == "boolean"
    assert ("header", "If-Match") in named
    answers = operation["responses"]["200"]["content"]["application/json"]["schema"]["oneOf"]
    assert {answer["$ref"].rpartition("/")[2] for answer in answers} == {"StaffView", "Plan"}
    body = api.call("GET", "/openapi.json").json()["components"]["schemas"]["ProvisionStaffBody"]["properties"]
    assert not body.keys() & {"if_exists", "plan", "dry_run", "tenant_id"}
