"""One call puts a person on the staff: identity, membership, profile, branches, events, or nothing (S2.1-S2.10)."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.staffing import FreezeBranch, FreezeTenant
from tests.staffing.office import Office, Shop, UnansweredError, new_local_phone, new_phone, provision
from tests.staffing.test_phone import NUMBER, SPELLINGS

GRANTED = ["membership.granted", "staff.provisioned", "branch_access.granted", "branch_access.granted"]


def unsealed(data: dict[str, Any]) -> dict[str, Any]:
    """Without what is sealed; `test_erasure` opens it."""
    return {
        name: value for name, value in data.items() if name not in ("phone", "display_name", "previous_display_name")
    }


async def test_one_provisioning_tells_exactly_its_events(office: Office, shop: Shop) -> None:  # S2.16
    answer = await office.hire(shop)

    assert answer.told == ["identity.provisioned", *GRANTED]
    account, membership = answer.body["account_id"], answer.body["membership"]["id"]
    named = {"tenant_id": str(shop.tenant_id), "account_id": account, "membership_id": membership}
    role = {"membership_kind": "MEMBER", "role_key": "CASHIER"}
    branches = [str(branch) for branch in shop.branches]
    assignments = "SELECT branch_id, id FROM branch_assignments WHERE tenant_id = %s"
    ids = {str(row["branch_id"]): str(row["id"]) for row in office.tables.rows(assignments, shop.tenant_id)}
    granted = {branch: {"branch_id": branch, "assignment_id": ids[branch]} for branch in branches}
    assert [unsealed(event["data"]) for event in answer.events] == [
        {"account_id": account},
        {**named, **role},
        {**named, **role, "branch_ids": branches, "outcome": "created"},
        {**named, **granted[branches[0]], "reason": "staff created"},
        {**named, **granted[branches[1]], "reason": "staff created"},
    ]


async def test_its_events_are_one_story_of_one_actor(office: Office, shop: Shop) -> None:  # S2.47
    answer = await office.hire(shop)

    assert {event["context"]["command_id"] for event in answer.events} == {answer.events[0]["context"]["command_id"]}
    assert {event["actor"]["subject"] for event in answer.events} == {shop.owner.subject}
    counted = [(event["aggregate_type"], event["aggregate_version"]) for event in answer.events]
    assert counted == [("account", 1), *(("membership", n) for n in (1, 2, 3, 4))]


async def test_events_hold_no_phone_and_no_name(office: Office, shop: Shop) -> None:
    phone = new_phone()

    answer = await office.hire(shop, phone=phone, display_name="Bopha Unmistakable", notify="sms")

    told = repr(answer.events)
    assert "identity.activation_requested" in answer.told
    assert phone.removeprefix("+49") not in told
    assert "Unmistakable" not in told


async def test_the_answer_has_the_shape_of_the_api(office: Office, shop: Shop) -> None:
    answer = await office.hire(shop, role_key="MANAGER", branch_ids=shop.branches[:1])

    account = answer.body["account_id"]
    assert (answer.status, answer.etag) == (201, '"3"')
    assert answer.location == f"/api/v1/tenants/{shop.tenant_id}/staff/{account}"
    (assignment,) = answer.body["branches"]
    assert assignment.pop("assigned_at").endswith("Z")
    assert answer.body == {
        "account_id": account,
        "tenant_id": str(shop.tenant_id),
        "membership": {
            "id": answer.body["membership"]["id"],
            "kind": "MEMBER",
            "role_key": "MANAGER",
            "status": "ACTIVE",
        },
        "profile": {"display_name": "Dara Cashier", "status": "ACTIVE"},
        "branches": [
            {"branch_id": str(shop.branches[0]), "status": "ACTIVE", "assigned_by": shop.owner.subject},
        ],
        "outcome": "created",
        "notification": {"status": "none"},
        "version": 3,
    }


async def test_everything_is_stored_with_who_when_and_why(office: Office, shop: Shop) -> None:  # S2.36-41
    phone = new_phone()

    answer = await office.hire(shop, phone=phone)

    account = UUID(answer.body["account_id"])
    (person,) = office.tables.rows("SELECT phone, status, password_hash FROM accounts WHERE id = %s", account)
    assert person == {"phone": phone, "status": "UNVERIFIED", "password_hash": None}
    (membership,) = office.tables.rows("SELECT kind, role_key, version FROM memberships WHERE account_id = %s", account)
    assert membership == {"kind": "MEMBER", "role_key": "CASHIER", "version": 4}
    assignments = office.tables.rows("SELECT * FROM branch_assignments WHERE account_id = %s ORDER BY id", account)
    assert [row["branch_id"] for row in assignments] == list(shop.branches)
    assert {(row["assigned_by"], row["reason"]) for row in assignments} == {(shop.owner.subject, "staff created")}


@pytest.mark.parametrize("notify", ["none", "sms"])
@pytest.mark.parametrize("life", ["on another staff", "and activated"])
async def test_a_known_phone_is_answered_like_a_new_one(office: Office, shop: Shop, notify: str, life: str) -> None:
    """S2.7, S2.59: a tenant that adds a person learns nothing of their life elsewhere."""
    elsewhere, known = await office.open_shop(), new_phone()
    await office.hire(elsewhere, phone=known, display_name="Known Elsewhere", role_key="ADMIN")
    if life == "and activated":
        await office.activate(known)

    of_new = await office.hire(shop, notify=notify)
    of_known = await office.hire(shop, phone=known, notify=notify)

    assert _anonymous(of_new.body) == _anonymous(of_known.body)
    assert (of_new.status, of_new.etag) == (of_known.status, of_known.etag) == (201, '"4"')
    assert "identity.provisioned" in of_new.told
    assert "identity.provisioned" not in of_known.told


async def test_an_account_id_does_not_tell_its_age(office: Office, shop: Shop) -> None:  # S2.59
    answer = await office.hire(shop)

    assert UUID(answer.body["account_id"]).version == 4


async def test_the_same_facts_again_change_nothing_and_tell_nothing(office: Office, shop: Shop) -> None:  # S2.31
    phone = new_phone()
    first = await office.hire(shop, phone=phone)
    before = office.counts()

    again = await office.hire(shop, phone=phone, branch_ids=shop.branches[::-1], notify="sms")

    assert (again.status, again.body["outcome"], again.events) == (200, "unchanged", [])
    assert again.body["notification"] == {"status": "none"}
    assert (again.etag, again.body["branches"]) == (first.etag, first.body["branches"])
    assert office.counts() == before


async def test_other_facts_are_refused_with_what_differs(office: Office, shop: Shop) -> None:  # S2.33
    phone = new_phone()
    first = await office.hire(shop, phone=phone, branch_ids=shop.branches[:1])

    refused = await office.hire(shop, phone=phone, role_key="MANAGER", display_name="D.", branch_ids=shop.branches[1:])

    assert (refused.status, refused.code) == (409, "STAFF_ALREADY_EXISTS")
    assert refused.body["existing"]["membership"] == first.body["membership"]
    assert refused.body["diff"] == {
        "display_name": {"existing": "Dara Cashier", "requested": "D."},
        "role_key": {"existing": "CASHIER", "requested": "MANAGER"},
        "branch_ids": {"added": [str(shop.branches[1])], "removed": [str(shop.branches[0])]},
    }
    assert refused.told == ["staff.refused"]


async def test_an_owner_is_never_overwritten(office: Office, shop: Shop) -> None:  # S2.32
    refused = await office.hire(shop, phone=shop.owner_phone, role_key="CASHIER")

    assert (refused.status, refused.code) == (409, "CANNOT_DEMOTE_OWNER_ROLE")
    kinds = office.tables.rows("SELECT kind, role_key FROM memberships WHERE tenant_id = %s", shop.tenant_id)
    assert kinds == [{"kind": "OWNER", "role_key": "ADMIN"}]


async def test_a_revoked_person_comes_back_in_a_new_period(office: Office, shop: Shop) -> None:  # S2.35
    phone = new_phone()
    first = await office.hire(shop, phone=phone)
    account = UUID(first.body["account_id"])
    _revoke(office, account)

    back = await office.hire(shop, phone=phone, role_key="MANAGER", branch_ids=shop.branches[1:])

    assert (back.status, back.body["outcome"]) == (200, "reactivated")
    assert back.body["membership"]["id"] == first.body["membership"]["id"]
    assert [branch["branch_id"] for branch in back.body["branches"]] == [str(shop.branches[1])]
    assert back.told == GRANTED[:3]
    assert [event["aggregate_version"] for event in back.events] == [5, 6, 7]
    (period,) = office.tables.rows("SELECT * FROM staff_profile_periods WHERE account_id = %s", account)
    (profile,) = office.tables.rows("SELECT * FROM staff_profiles WHERE account_id = %s", account)
    assert period["revoked_at"] < profile["active_since"]
    assert (profile["status"], profile["revoked_at"]) == ("ACTIVE", None)


async def test_a_branch_asked_for_twice_is_granted_once(office: Office, shop: Shop) -> None:
    one, two = shop.branches

    answer = await office.hire(shop, branch_ids=(one, two, one))

    assert [branch["branch_id"] for branch in answer.body["branches"]] == [str(one), str(two)]


async def test_all_spellings_in_one_batch_are_one_person(office: Office, shop: Shop) -> None:  # S2.26
    international, national = new_local_phone()
    spellings = (national, international, f"+855 (0) {national[1:]}", f"  {national[:3]}-{national[3:]} ")

    first, *others = await office.tell_all(*((provision(shop, phone=s), shop.owner) for s in spellings))

    assert first.body["outcome"] == "created"
    assert {other.body["outcome"] for other in others} == {"unchanged"}
    assert {other.body["account_id"] for other in others} == {first.body["account_id"]}


@pytest.mark.parametrize("together", [True, False])
async def test_thirty_spellings_of_one_number_are_one_person(office: Office, *, together: bool) -> None:  # S2.26
    shop = await office.open_shop("KH")
    calls = [(provision(shop, phone=spelling), shop.owner) for spelling in SPELLINGS]

    answers = await office.tell_all(*calls) if together else [await office.tell(*call) for call in calls]

    assert len(set(SPELLINGS)) >= 30
    assert [answer.body["outcome"] for answer in answers] == ["created", *["unchanged"] * (len(SPELLINGS) - 1)]
    assert len({answer.body["account_id"] for answer in answers}) == 1
    assert office.tables.value("SELECT count(*) FROM accounts WHERE phone = %s", NUMBER) == 1


async def test_a_batch_sees_what_its_earlier_commands_did(office: Office, shop: Shop) -> None:
    phone = new_phone()
    calls = [
        (provision(shop, phone=phone), shop.owner),
        (provision(shop, phone=phone, role_key="MANAGER"), shop.owner),
        (FreezeBranch(tenant_id=shop.tenant_id, branch_id=shop.branches[0]), shop.owner),
        (provision(shop), shop.owner),
        (FreezeTenant(tenant_id=shop.tenant_id), shop.owner),
        (provision(shop, branch_ids=shop.branches[1:]), shop.owner),
    ]

    answers = await office.tell_all(*calls)

    codes = [answer.code or answer.status for answer in answers]
    assert codes == [201, "STAFF_ALREADY_EXISTS", 200, "BRANCH_NOT_ACTIVE", 200, "TENANT_NOT_ACTIVE"]


async def test_who_is_made_an_admin_acts_from_the_next_batch_on(office: Office, shop: Shop) -> None:
    admin_phone = new_phone()
    elsewhere = await office.open_shop()
    admin = await office.hired(elsewhere, phone=admin_phone)
    promote = provision(shop, phone=admin_phone, role_key="ADMIN")

    _, early = await office.tell_all((promote, shop.owner), (provision(shop), admin))

    assert (early.status, early.code) == (404, "NOT_FOUND")
    assert (await office.tell(provision(shop), admin)).status == 201


async def test_a_repeated_command_gives_the_first_answer(office: Office, shop: Shop) -> None:
    command, command_id = provision(shop), uuid4()
    first = await office.tell(command, shop.owner, command_id)
    before = office.counts()

    again = await office.tell(command, shop.owner, command_id)

    assert (again.status, again.body, again.etag) == (first.status, first.body, first.etag)
    assert office.counts() == before


@pytest.mark.parametrize("failing", ["branch_assignments", "staff_profiles", "memberships", "outbox"])
async def test_all_facts_or_none(office: Office, shop: Shop, failing: str) -> None:
    """S2.10: whichever table refuses, nothing of the call is there."""
    before = office.counts()
    with office.tables.connection() as admin:
        admin.execute(f"ALTER TABLE {failing} ADD CONSTRAINT test_closed CHECK (false) NOT VALID")
        try:
            with pytest.raises(UnansweredError):
                await office.hire(shop, notify="sms")
        finally:
            admin.execute(f"ALTER TABLE {failing} DROP CONSTRAINT test_closed")

    assert office.counts() == before


def _anonymous(body: dict[str, Any]) -> dict[str, Any]:
    """A staff answer without what is new in every answer."""
    plain = {key: value for key, value in body.items() if key != "account_id"}
    plain["membership"] = {key: value for key, value in body["membership"].items() if key != "id"}
    plain["branches"] = [{k: v for k, v in b.items() if k != "assigned_at"} for b in body["branches"]]
    return plain


def _revoke(office: Office, account: UUID) -> None:
    """What revocation will leave behind."""
    with office.tables.connection() as admin:
        admin.execute("UPDATE memberships SET status = 'REVOKED' WHERE account_id = %s", (account,))
        profile = "UPDATE staff_profiles SET status = 'REVOKED', revoked_at = now() WHERE account_id = %s"
        admin.execute(profile, (account,))
        branches = "UPDATE branch_assignments SET status = 'REMOVED', removed_at = now() WHERE account_id = %s"
        admin.execute(branches, (account,))
