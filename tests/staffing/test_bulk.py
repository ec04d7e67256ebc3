"""Many people in one call, each row under its own key (P7)."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.provisioning import BulkProvision
from contracts.staffing import FreezeBranch
from tests.staffing.office import Answer, Office, Shop, UnansweredError, new_phone, provision, staff

Row = dict[str, Any]


def row(shop: Shop, **changes: Any) -> Row:
    """A good row that nobody has sent yet."""
    plain = {"key": f"row-{uuid4()}", "phone": new_phone(), "display_name": "Dara", "role_key": "CASHIER"}
    return {**plain, "branch_ids": shop.branches, **changes}


def rows(shop: Shop, count: int) -> list[Row]:
    return [row(shop) for _ in range(count)]


def bulk(shop: Shop, asked: list[Row], mode: str = "per_row", if_exists: str = "refuse") -> BulkProvision:
    fields = {"tenant_id": shop.tenant_id, "mode": mode, "rows": asked, "if_exists": if_exists}
    return BulkProvision.model_validate(fields)


async def sent(office: Office, shop: Shop, asked: list[Row], mode: str = "per_row") -> Answer:
    return await office.tell(bulk(shop, asked, mode), shop.owner)


def codes(answer: Answer) -> list[str | int]:
    return [result["code"] or result["status"] for result in answer.body["results"]]


def bad(shop: Shop, number: int) -> Row:
    """One of ten things that may be wrong with a row."""
    wrong: list[Row] = [
        {"phone": "12"},
        {"phone": "call me"},
        {"phone": "+1 900 555 1234"},
        {"display_name": ""},
        {"display_name": "x" * 81},
        {"role_key": "KING"},
        {"branch_ids": []},
        {"branch_ids": [uuid4()]},
        {"branch_ids": [shop.branches[0], uuid4()]},
        {"phone": shop.owner_phone},
    ]
    return row(shop, **wrong[number])


async def test_a_thousand_rows_with_ten_bad_ones(office: Office, shop: Shop) -> None:
    asked = rows(shop, 1000)
    for number in range(10):
        asked[number * 100 + 7] = bad(shop, number)

    first = await sent(office, shop, asked)
    before = office.counts()
    again = await sent(office, shop, asked)

    assert (first.status, first.body["created"]) == (200, 990)
    refused = [n for n, result in enumerate(first.body["results"]) if result["code"]]
    assert refused == [number * 100 + 7 for number in range(10)]
    assert (again.body["created"], again.body["results"]) == (0, first.body["results"])
    assert again.told == []
    assert office.counts() == before
    assert Counter(first.told) == {
        "identity.provisioned": 990,
        "membership.granted": 990,
        "staff.provisioned": 990,
        "branch_access.granted": 1980,
    }


async def test_a_result_says_what_became_of_its_row(office: Office, shop: Shop) -> None:
    known = new_phone()
    hired = await office.hire(shop, phone=known, display_name="Dara")
    good, same, other, wrong = (
        row(shop),
        row(shop, phone=known),
        row(shop, phone=known, role_key="MANAGER"),
        bad(shop, 8),
    )

    answer = await sent(office, shop, [good, same, other, wrong])

    created, unchanged, differs, refused = answer.body["results"]
    assert [result["key"] for result in answer.body["results"]] == [r["key"] for r in (good, same, other, wrong)]
    assert (created["status"], created["outcome"], created["errors"]) == (201, "created", [])
    nothing_wrong: Row = {"code": None, "detail": None, "errors": []}
    account = {"account_id": hired.body["account_id"]}
    assert unchanged == {"key": same["key"], "status": 200, "outcome": "unchanged", **account, **nothing_wrong}
    assert (differs["status"], differs["code"], differs["account_id"]) == (409, "STAFF_ALREADY_EXISTS", None)
    assert [error["pointer"] for error in differs["errors"]] == ["/role_key"]
    assert (refused["status"], refused["code"]) == (422, "BRANCH_NOT_FOUND")
    assert [error["pointer"] for error in refused["errors"]] == ["/branch_ids/1"]


async def test_an_atomic_call_with_a_bad_row_writes_nothing_and_names_every_bad_row(office: Office, shop: Shop) -> None:
    asked = [row(shop), bad(shop, 5), row(shop, notify="sms"), bad(shop, 7), bad(shop, 9)]
    before = office.counts()

    refused = await sent(office, shop, asked, "atomic")

    assert (refused.status, refused.code) == (422, "ROLE_KEY_INVALID")
    assert [(error["pointer"], error["code"]) for error in refused.body["errors"]] == [
        ("/rows/1/role_key", "ROLE_KEY_INVALID"),
        ("/rows/3/branch_ids/0", "BRANCH_NOT_FOUND"),
        ("/rows/4", "CANNOT_DEMOTE_OWNER_ROLE"),
    ]
    assert office.counts() == before
    assert refused.told == ["staff.refused"]


async def test_what_a_refused_atomic_call_tried_does_not_show_in_its_batch(office: Office, shop: Shop) -> None:
    """Its neighbours see the book as it was: no account, no person, no key, no version counted on."""
    phone, returning, elsewhere = new_phone(), new_phone(), await office.open_shop()
    await office.hire(elsewhere, phone=returning)
    tried = row(shop, phone=phone)
    asked = [tried, row(shop, phone=returning, notify="sms"), bad(shop, 0)]

    refused, hired, known, after = await office.tell_all(
        (bulk(shop, asked, "atomic"), shop.owner),
        (provision(shop, phone=phone), shop.owner),
        (provision(shop, phone=returning, notify="sms"), shop.owner),
        (bulk(shop, [{**tried, "phone": new_phone()}]), shop.owner),
    )

    assert refused.code == "PHONE_INVALID"
    assert (hired.status, hired.etag) == (201, '"4"')
    assert (known.status, known.etag) == (201, '"4"')
    assert codes(after) == [201]
    versions = [e["aggregate_version"] for e in known.events if e["aggregate_type"] == "account"]
    assert versions == [2]


async def test_an_atomic_call_of_good_rows_does_them_all(office: Office, shop: Shop) -> None:
    asked = [row(shop, notify="sms") for _ in range(5)]

    answer = await sent(office, shop, asked, "atomic")

    assert (answer.status, answer.body["mode"], answer.body["created"]) == (200, "atomic", 5)
    accounts = [UUID(result["account_id"]) for result in answer.body["results"]]
    assert office.tables.value("SELECT count(*) FROM memberships WHERE account_id = ANY(%s)", accounts) == 5
    assert office.tables.value("SELECT count(*) FROM notifications WHERE account_id = ANY(%s)", accounts) == 5


async def test_who_is_no_admin_any_more_after_a_bulk_does_nothing_else_in_its_batch(office: Office, shop: Shop) -> None:
    phone = new_phone()
    admin = await office.hired(shop, phone=phone, role_key="ADMIN")
    stepping_down = row(shop, phone=phone, display_name="Dara Cashier")

    down, late = await office.tell_all(
        (bulk(shop, [stepping_down], "atomic", "update"), admin), (provision(shop), admin)
    )

    assert (codes(down), late.code) == ([200], "PERMISSION_DENIED")


@pytest.mark.parametrize(("before", "after"), [("per_row", "atomic"), ("atomic", "per_row"), ("per_row", "per_row")])
async def test_a_key_is_done_once_whatever_call_it_comes_with(
    office: Office, shop: Shop, before: str, after: str
) -> None:
    asked = rows(shop, 3)
    first = await sent(office, shop, asked, before)

    again = await sent(office, shop, [*asked, row(shop)], after)

    assert again.body["created"] == 1
    assert again.body["results"][:3] == first.body["results"]
    assert Counter(again.told)["staff.provisioned"] == 1


async def test_a_done_row_is_answered_as_it_was_then(office: Office, shop: Shop) -> None:
    """Even when the same call would be refused now."""
    asked = row(shop)
    first = await sent(office, shop, [asked])
    await office.tell(FreezeBranch(tenant_id=shop.tenant_id, branch_id=shop.branches[0]), shop.owner)

    again = await sent(office, shop, [asked, row(shop)])

    assert again.body["results"][0] == first.body["results"][0]
    assert codes(again) == [201, "BRANCH_NOT_ACTIVE"]


@pytest.mark.parametrize("mode", ["per_row", "atomic"])
async def test_a_key_stands_for_one_content(office: Office, shop: Shop, mode: str) -> None:
    asked = row(shop)
    await sent(office, shop, [asked])

    other = await sent(office, shop, [{**asked, "display_name": "Somebody Else"}], mode)

    if mode == "per_row":
        (result,) = other.body["results"]
        assert (result["status"], result["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    else:
        assert (other.status, other.code) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert other.body["errors"][0]["pointer"] == "/rows/0/key"


async def test_a_key_twice_in_one_call_fails_at_its_second_row(office: Office, shop: Shop) -> None:
    asked = row(shop)

    answer = await sent(office, shop, [asked, asked, row(shop)])
    atomic = await sent(office, shop, [row(shop, key="x"), row(shop, key="x")], "atomic")

    assert codes(answer) == [201, "IDEMPOTENCY_KEY_REUSED", 201]
    assert answer.body["results"][1]["errors"][0]["pointer"] == "/key"
    assert (atomic.code, atomic.body["errors"][0]["pointer"]) == ("IDEMPOTENCY_KEY_REUSED", "/rows/1/key")


async def test_a_refused_row_may_be_mended_under_its_key(office: Office, shop: Shop) -> None:
    wrong = row(shop, phone="12")
    await sent(office, shop, [wrong])

    mended = await sent(office, shop, [{**wrong, "phone": new_phone()}])

    assert codes(mended) == [201]


async def test_a_key_belongs_to_its_tenant(office: Office, shop: Shop) -> None:
    other, key = await office.open_shop(), "row-1"

    ours, theirs = await sent(office, shop, [row(shop, key=key)]), await sent(office, other, [row(other, key=key)])

    assert codes(ours) == codes(theirs) == [201]
    assert ours.body["results"][0]["account_id"] != theirs.body["results"][0]["account_id"]


async def test_the_same_rows_at_once_are_done_once(office: Office, shop: Shop) -> None:
    asked = rows(shop, 20)

    answers = await asyncio.gather(*(sent(office, shop, asked, mode) for mode in ("per_row", "atomic") * 4))

    assert sorted(answer.body["created"] for answer in answers) == [0] * 7 + [20]
    assert len({repr(answer.body["results"]) for answer in answers}) == 1
    assert office.tables.value("SELECT count(*) FROM memberships WHERE tenant_id = %s", shop.tenant_id) == 21


async def test_one_person_in_two_rows_is_one_person(office: Office, shop: Shop) -> None:
    phone = new_phone()

    answer = await sent(
        office, shop, [row(shop, phone=phone), row(shop, phone=phone), row(shop, phone=phone, role_key="MANAGER")]
    )

    assert codes(answer) == [201, 200, "STAFF_ALREADY_EXISTS"]
    assert answer.body["created"] == 1


async def test_who_may_not_hears_nothing_of_the_rows(office: Office, shop: Shop) -> None:  # S2.21
    clerk, seen = await office.hired(shop), list[str]()
    asked = rows(shop, 2)
    await sent(office, shop, asked)

    with office.statements(seen):
        refused = await office.tell(bulk(shop, asked), staff(uuid4()))
    denied = await office.tell(bulk(shop, asked), clerk)

    assert (refused.status, refused.code, denied.code) == (404, "NOT_FOUND", "PERMISSION_DENIED")
    assert not [statement for statement in seen if "accounts" in statement or "staff_bulk_rows" in statement]


@pytest.mark.parametrize("mode", ["per_row", "atomic"])
async def test_a_bulk_costs_the_same_statements_whatever_its_size(office: Office, shop: Shop, mode: str) -> None:
    costs = []
    for size in (10, 1000):
        seen: list[str] = []
        asked = [row(shop, notify="sms") for _ in range(size)]
        with office.statements(seen):
            answer = await sent(office, shop, asked, mode)
        assert answer.body["created"] == size
        costs.append(len(seen))

    assert costs[0] == costs[1] < 25


@pytest.mark.parametrize("failing", ["staff_bulk_rows", "outbox"])
async def test_all_rows_or_none(office: Office, shop: Shop, failing: str) -> None:
    """Whichever table refuses, nothing of the call is there, in either mode."""
    before = office.counts()
    keys = "SELECT count(*) FROM staff_bulk_rows"
    known = office.tables.value(keys)
    with office.tables.connection() as admin:
        admin.execute(f"ALTER TABLE {failing} ADD CONSTRAINT test_closed CHECK (false) NOT VALID")
        try:
            with pytest.raises(UnansweredError):
                await sent(office, shop, rows(shop, 3))
        finally:
            admin.execute(f"ALTER TABLE {failing} DROP CONSTRAINT test_closed")

    assert office.counts() == before
    assert office.tables.value(keys) == known
