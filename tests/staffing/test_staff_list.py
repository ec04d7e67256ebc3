"""Lists and search of staff (P13): filters, pages that do not move, and a cost that does not grow with the staff."""

import asyncio
import time
import unicodedata
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from contracts.staffing import FreezeBranch, ListStaff, StaffPage
from tests.staffing.asking import Changes, Desk, body
from tests.staffing.crowd import crowd
from tests.staffing.office import Office, Shop, provision

NAMES = [
    "Élise Ångström",
    "ELISE ANGSTROM",
    "Νίκος ΟΔΟΣ",
    "Đặng Thị Mai",
    "សុខា ចាន់",
    "100% Sure",
    "Under_Score",
    "O'Brien \\ Sons",
]


async def page(desk: Desk, shop: Shop, **asked: Any) -> StaffPage:
    found = body(await desk.ask(ListStaff(tenant_id=shop.tenant_id, **asked), shop.owner))
    assert isinstance(found, StaffPage)
    return found


def names(found: StaffPage) -> list[str]:
    return [person.profile.display_name for person in found.data]


def folded(text: str) -> str:
    """Upper case letter by letter, as PostgreSQL's C.UTF-8 does."""
    return "".join(
        letter.upper() if len(letter.upper()) == 1 else letter for letter in unicodedata.normalize("NFC", text)
    )


async def test_a_name_is_found_by_any_part_whatever_its_case(office: Office, shop: Shop, desk: Desk) -> None:
    await office.tell_all(*((provision(shop, display_name=name), shop.owner) for name in NAMES))
    asked = [
        "élise",
        "ÉLISE",
        "E\u0301lise",
        "elise",
        "οδος",
        "đặng",
        "ចាន់",
        "%",
        "_",
        "\\",
        "'",
        "s",
        "sokha",
        "nobody at all",
    ]

    found = {q: names(await page(desk, shop, q=q)) for q in asked}

    everybody = ["Sokha Owner", *NAMES]
    assert found == {q: [name for name in everybody if folded(q) in folded(name)] for q in asked}
    assert found["E\u0301lise"] == found["élise"] == ["Élise Ångström"]
    assert found["%"] == ["100% Sure"]


async def test_role_branch_and_status_are_compared_exactly_and_together(office: Office, shop: Shop, desk: Desk) -> None:
    riverside, market = shop.branches
    await office.hired(shop, display_name="Manager", role_key="MANAGER", branch_ids=(riverside,))
    await office.hired(shop, display_name="Cashier", branch_ids=(market,))
    moved = await office.hired(shop, display_name="Moved")
    former = await office.hired(shop, display_name="Former")
    changes = Changes(office, shop)
    await changes.take_branch(moved, riverside)
    await changes.end_membership(former)
    await office.tell(FreezeBranch(tenant_id=shop.tenant_id, branch_id=market), shop.owner)

    found = [
        names(await page(desk, shop, role_key="MANAGER")),
        names(await page(desk, shop, branch_id=riverside)),
        names(await page(desk, shop, branch_id=market)),
        names(await page(desk, shop, status="REVOKED")),
        names(await page(desk, shop, role_key="CASHIER", status="ACTIVE")),
        names(await page(desk, shop, role_key="CASHIER", branch_id=market, q="mov")),
        names(await page(desk, shop, role_key="cashier")),
        names(await page(desk, shop, branch_id=(await office.open_shop()).branches[0])),
        names(await page(desk, shop, branch_id=uuid4())),
    ]

    assert found == [
        ["Manager"],
        ["Manager"],
        ["Cashier", "Moved"],
        ["Former"],
        ["Cashier", "Moved"],
        ["Moved"],
        [],
        [],
        [],
    ]
    everybody = (await page(desk, shop)).data
    assert [person.membership.status for person in everybody] == ["ACTIVE"] * 4 + ["REVOKED"]
    assert everybody[-1].profile.status == "REVOKED"


@pytest.mark.parametrize(
    "wrong", [{"q": ""}, {"q": " "}, {"q": "a\0"}, {"q": "x" * 81}, {"role_key": "\0"}, {"status": "GONE"}]
)
def test_what_no_staff_can_have_is_no_filter(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        ListStaff.model_validate({"tenant_id": uuid4(), **wrong})


@pytest.mark.parametrize("asked", [{}, {"role_key": "CASHIER"}, {"q": "cash", "status": "ACTIVE"}], ids=str)
async def test_a_walk_meets_everybody_once_while_people_are_added(
    office: Office, shop: Shop, desk: Desk, asked: dict[str, Any]
) -> None:
    stood = [a.body["account_id"] for a in await office.tell_all(*((provision(shop), shop.owner) for _ in range(40)))]
    walking = True

    async def hiring() -> int:
        hired = 0
        while walking:
            hired += len(await office.tell_all(*((provision(shop), shop.owner) for _ in range(3))))
        return hired

    added = asyncio.create_task(hiring())
    met: list[str] = []
    found = await page(desk, shop, limit=3, **asked)
    while len(met) < len(stood) or not set(stood) <= set(met):
        met += [str(person.account_id) for person in found.data]
        assert found.has_more or set(stood) <= set(met)
        found = await page(desk, shop, limit=3, starting_after=found.data[-1].account_id, **asked)
    walking = False

    assert await added >= 3
    assert Counter(met).most_common(1)[0][1] == 1
    assert [account for account in met if account in set(stood)] == stood


@pytest.mark.parametrize("size", [10, 1_000])
async def test_a_page_costs_the_same_statements_for_ten_and_for_a_thousand(
    office: Office, shop: Shop, desk: Desk, size: int
) -> None:
    crowd(office, shop, size)
    first = (await page(desk, shop, limit=1)).data[0].account_id
    searches: list[dict[str, Any]] = [
        {},
        {"q": "nobody", "role_key": "CASHIER", "branch_id": shop.branches[0], "status": "ACTIVE"},
        {"starting_after": first},
    ]
    cost = []

    for asked in searches:
        seen: list[str] = []
        with office.statements(seen):
            found = await page(desk, shop, limit=100, **asked)
        assert len(found.data) >= min(size - 1, 100)
        cost.append(len(seen))

    assert cost == [7, 7, 8]


async def test_ten_thousand_are_searched_in_no_time(office: Office, shop: Shop, desk: Desk) -> None:
    """Right after they came, so with statistics that know of nobody."""
    crowd(office, shop, 10_000)
    await office.hired(shop, display_name="Élise Ångström", role_key="ADMIN", branch_ids=shop.branches[1:])
    searches: dict[str, dict[str, Any]] = {
        "all": {},
        "one name": {"q": "élise"},
        "a role": {"role_key": "MANAGER"},
        "a full branch": {"branch_id": shop.branches[0]},
        "an empty branch": {"branch_id": shop.branches[1]},
        "nobody": {"status": "REVOKED"},
    }
    took: dict[str, float] = {}

    for name, asked in searches.items():
        began = time.perf_counter()
        found = await page(desk, shop, **asked)
        took[name] = time.perf_counter() - began
        assert len(found.data) in (0, 1, 20)

    print("\n10,000 staff:", ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in took.items()))  # noqa: T201
    assert max(took.values()) < 1.0
    last = (await page(desk, shop, q="Nobody number 10000")).data[0].account_id
    assert [p.profile.display_name for p in (await page(desk, shop, starting_after=last)).data][-1] == "Élise Ångström"
