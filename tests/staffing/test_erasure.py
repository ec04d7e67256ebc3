"""A person is erased: what they were called and how they are reached is nowhere, what was done stays provable."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from contracts.credentials import RequestActivation
from contracts.erasure import ERASED, EraseAccount
from contracts.legal_holds import HoldAccount, HoldTenant, ReleaseAccount, ReleaseTenant
from contracts.message import Actor, ActorType, Command
from contracts.provisioning import BulkMode, BulkProvision, BulkRow
from contracts.roles import Role
from contracts.staff_changes import DisableAccount, EnableAccount, RevokeStaff
from deploy.local.stack import Stack
from services.wire.personal import SealedParts
from tests.staffing.office import ANYBODY, Answer, Office, Shop, new_local_phone, new_phone, provision
from tests.support.scan import tables_holding

REASON = "request 2026/31"
MASTER_PIECES = ("Canary Vrokslund", "Canary Pilkwater", "Canary Omdrahl")


class Person:
    """Somebody with a life in two shops, who is on the staff of neither any more."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.phone, self.national = new_local_phone()
        self.names = [f"{name} {uuid4().hex[:8]}" for name in MASTER_PIECES]
        self.account = UUID(int=0)

    async def live(self, first: Shop, second: Shop) -> "Person":
        office = self.office
        hired = await office.hire(first, phone=self.national, display_name=self.names[0], notify="sms")
        self.account = UUID(hired.body["account_id"])
        await office.activate(self.phone)
        await office.log_in(self.phone)
        await office.hire(first, phone=self.phone, display_name=self.names[1], if_exists="update")
        await office.hire(first, phone=self.phone, display_name=self.names[0])
        row = BulkRow.model_validate(
            provision(second, phone=self.phone, display_name=self.names[2]).model_dump(
                exclude={"tenant_id", "if_exists", "plan"}
            )
            | {"key": uuid4().hex}
        )
        await office.tell(BulkProvision(tenant_id=second.tenant_id, mode=BulkMode.PER_ROW, rows=(row,)), second.owner)
        await office.ask_for_code(self.phone)
        self.bury(provision(first, phone=self.national, display_name=self.names[0]).model_dump_json().encode())
        self.bury(f'{{"display_name": "{self.names[1]}", "phone": '.encode())
        return self

    def bury(self, value: bytes) -> None:
        with self.office.tables.connection() as tables:
            tables.execute(
                "INSERT INTO dead_letters (topic, partition, position, key, value, headers, error, tries)"
                " VALUES ('staffing.commands', 0, (SELECT count(*) + 10000000 FROM dead_letters), 'k', %s,"
                """ '[["ce_assertion", "YWJj"]]', 'broke', 5)""",
                (value,),
            )

    async def leave(self, *shops: Shop) -> None:
        for shop in shops:
            assert (await self.office.tell(self.revocation(shop), shop.owner)).status == 200

    def revocation(self, shop: Shop) -> RevokeStaff:
        version = "SELECT version FROM memberships WHERE tenant_id = %s AND account_id = %s"
        seen = self.office.tables.value(version, shop.tenant_id, self.account)
        return RevokeStaff(tenant_id=shop.tenant_id, account_id=self.account, expected_version=seen, reason="gone")

    @property
    def erase(self) -> EraseAccount:
        return EraseAccount(account_id=self.account, reason=REASON)

    @property
    def canaries(self) -> list[str]:
        """In no spelling, and nothing that could be searched for."""
        return [self.phone, self.national, self.national[1:], *self.names, self.office.otp.phone_key(self.phone)]


@pytest.fixture
async def second(office: Office) -> Shop:
    return await office.open_shop()


@pytest.fixture
async def person(office: Office, shop: Shop, second: Shop) -> Person:
    return await Person(office).live(shop, second)


async def test_nothing_of_an_erased_person_is_left_in_any_table(
    office: Office, stack: Stack, shop: Shop, second: Shop, person: Person
) -> None:
    await person.leave(shop, second)
    before = tables_holding(stack, person.canaries, ("staffing",))

    erased = await office.tell(person.erase, office.root)

    assert {"staffing.accounts", "staffing.dead_letters"} <= before[person.phone] | before[person.national]
    assert {"staffing.replies", "staffing.dead_letters"} <= before[person.names[0]]
    assert "staffing.staff_profiles" in before[person.names[2]]
    assert "staffing.otp_challenges" in before[office.otp.phone_key(person.phone)]
    assert (erased.status, erased.told) == (200, ["account.erased"])
    assert {
        value: found for value, found in tables_holding(stack, person.canaries, ("staffing",)).items() if found
    } == {}
    assert office.tables.rows("SELECT 1 FROM person_keys WHERE person_id = %s", person.account) == []
    for table in ("sessions", "otp_challenges"):
        assert office.tables.value(f"SELECT count(*) FROM {table} WHERE account_id = %s", person.account) == 0


async def test_who_works_somewhere_is_not_erased(office: Office, shop: Shop, second: Shop, person: Person) -> None:
    everywhere = await office.tell(person.erase, office.root)
    await person.leave(shop)
    still_there = await office.tell(person.erase, office.root)
    await person.leave(second)

    assert [answer.code for answer in (everywhere, still_there)] == ["PERSON_STILL_ACTIVE"] * 2
    assert office.tables.value("SELECT phone FROM accounts WHERE id = %s", person.account) == person.phone
    assert (await office.tell(person.erase, office.root)).status == 200


@pytest.mark.parametrize("held", ["account", "tenant"])
async def test_a_legal_hold_stops_an_erasure_until_it_is_released(
    office: Office, shop: Shop, second: Shop, person: Person, held: str
) -> None:
    await person.leave(shop, second)
    places: dict[str, tuple[Command, Command]] = {
        "account": (
            HoldAccount(account_id=person.account, reason=REASON),
            ReleaseAccount(account_id=person.account, reason=REASON),
        ),
        "tenant": (
            HoldTenant(tenant_id=second.tenant_id, reason=REASON),
            ReleaseTenant(tenant_id=second.tenant_id, reason=REASON),
        ),
    }
    place, release = places[held]
    await office.tell(place, office.root)

    stopped = await office.tell(person.erase, office.root)
    await office.tell(release, office.root)
    erased = await office.tell(person.erase, office.root)

    assert (stopped.status, stopped.code, stopped.told) == (409, "LEGAL_HOLD", ["staff.refused"])
    assert (erased.status, erased.told) == (200, ["account.erased"])


async def test_erased_twice_is_told_once_and_nothing_else_finds_them(
    office: Office, shop: Shop, second: Shop, person: Person
) -> None:
    await person.leave(shop, second)

    first, again = await office.tell(person.erase, office.root), await office.tell(person.erase, office.root)

    assert (again.status, again.told, again.body) == (200, [], first.body)
    for command in (DisableAccount, EnableAccount, HoldAccount, ReleaseAccount):
        more = {"reason": REASON} if command in (HoldAccount, ReleaseAccount) else {}
        told = await office.tell(command.model_validate({"account_id": person.account, **more}), office.root)
        assert told.code == "NOT_FOUND"


async def test_only_allowlisted_root_admins_may(office: Office, shop: Shop, person: Person) -> None:
    issuer = office.settings.oidc_issuer
    unlisted = Actor(type=ActorType.USER, issuer=issuer, subject="mallory", roles=frozenset({Role.ROOT_ADMIN}))
    nobody = EraseAccount(account_id=uuid4(), reason=REASON)

    assert (await office.tell(person.erase, shop.owner)).code == "ROLE_REQUIRED"
    assert (await office.tell(person.erase, unlisted)).code == "ROOT_ADMIN_REQUIRED"
    assert (await office.tell(nobody, unlisted)).code == "ROOT_ADMIN_REQUIRED"
    assert (await office.tell(nobody, office.root)).code == "NOT_FOUND"


async def test_whoever_has_the_number_later_is_somebody_else(
    office: Office, shop: Shop, second: Shop, person: Person
) -> None:
    await person.leave(shop, second)
    await office.tell(person.erase, office.root)

    hired = await office.hire(shop, phone=person.phone, display_name="Nearidei")

    assert (hired.status, hired.body["outcome"]) == (201, "created")
    assert hired.body["account_id"] != str(person.account)
    assert hired.told[0] == "identity.provisioned"


async def test_the_number_is_free_within_the_same_batch(
    office: Office, shop: Shop, second: Shop, person: Person
) -> None:
    await person.leave(shop, second)

    erased, hired = await office.tell_all(
        (person.erase, office.root), (provision(shop, phone=person.phone, display_name="Nearidei"), shop.owner)
    )

    assert (erased.status, hired.status) == (200, 201)
    assert hired.body["account_id"] != str(person.account)


async def test_a_repeated_call_is_answered_as_it_was_but_for_the_name(office: Office, shop: Shop, second: Shop) -> None:
    key, phone = uuid4(), new_phone()
    command = provision(shop, phone=phone, display_name="Canary Repeated")
    first = await office.tell(command, shop.owner, command_id=key)
    person = Person(office)
    person.account = UUID(first.body["account_id"])
    await person.leave(shop)
    await office.tell(person.erase, office.root)

    again = await office.tell(command, shop.owner, command_id=key)

    assert (again.status, again.body["profile"]["display_name"], again.told) == (201, ERASED, [])
    shown = {**again.body, "profile": {**again.body["profile"], "display_name": "Canary Repeated"}}
    assert shown == first.body


async def test_the_answer_to_a_revocation_in_the_same_batch_names_nobody(
    office: Office, stack: Stack, shop: Shop
) -> None:
    """Its reply is stored after the erasure's rows are written, and has the name in it."""
    name = f"Canary {uuid4().hex}"
    hired = await office.hire(shop, display_name=name)
    person = Person(office)
    person.account = UUID(hired.body["account_id"])

    revoked, erased = await office.tell_all((person.revocation(shop), shop.owner), (person.erase, office.root))

    assert (revoked.status, erased.status) == (200, 200)
    assert revoked.body["profile"]["display_name"] == ERASED
    assert tables_holding(stack, [name], ("staffing",))[name] == set()


async def test_of_a_hold_and_an_erasure_at_once_one_comes_first(office: Office, shop: Shop) -> None:
    for _ in range(6):
        person = Person(office)
        person.account = UUID((await office.hire(shop)).body["account_id"])
        await person.leave(shop)

        hold, erased = await asyncio.gather(
            office.tell(HoldTenant(tenant_id=shop.tenant_id, reason=REASON), office.root),
            office.tell(person.erase, office.root),
        )

        assert hold.status == 200
        assert erased.code in (None, "LEGAL_HOLD")
        gone = "SELECT erased_at IS NOT NULL FROM accounts WHERE id = %s"
        assert office.tables.value(gone, person.account) is (erased.code is None)
        await office.tell(ReleaseTenant(tenant_id=shop.tenant_id, reason=REASON), office.root)


async def test_of_a_hiring_and_an_erasure_at_once_nobody_is_erased_at_work(office: Office, shop: Shop) -> None:
    """In a tenant that the erasure could not know of when it began."""
    for _ in range(6):
        elsewhere, phone, person = await office.open_shop(), new_phone(), Person(office)
        person.account = UUID((await office.hire(shop, phone=phone)).body["account_id"])
        await person.leave(shop)

        hired, erased = await asyncio.gather(
            office.hire(elsewhere, phone=phone), office.tell(person.erase, office.root)
        )

        assert hired.status == 201
        same = hired.body["account_id"] == str(person.account)
        assert erased.code == ("PERSON_STILL_ACTIVE" if same else None)


async def test_names_and_numbers_before_and_after_are_in_the_events_for_whoever_has_the_key(
    office: Office, shop: Shop
) -> None:
    phone = new_phone()
    hired = await office.hire(shop, phone=phone, display_name="Dara")
    renamed = await office.hire(shop, phone=phone, display_name="Dara Chan", if_exists="update")
    account = UUID(hired.body["account_id"])

    assert opened(office, account, hired, "identity.provisioned", "phone") == phone
    assert opened(office, account, hired, "staff.provisioned", "display_name") == "Dara"
    assert opened(office, account, renamed, "staff.renamed", "display_name") == "Dara Chan"
    assert opened(office, account, renamed, "staff.renamed", "previous_display_name") == "Dara"
    told = orjson.dumps([*hired.events, *renamed.events]).decode()
    assert "Dara" not in told
    assert phone not in told


def opened(office: Office, account: UUID, answer: Answer, event: str, field: str) -> str:
    wrapped = office.tables.value("SELECT wrapped FROM person_keys WHERE person_id = %s", account)
    parts: Any = SealedParts.of(answer.data(event)[field])
    assert parts.person_id == account
    return office.master.unwrap(account, wrapped).open(parts, event, field)


async def test_a_code_that_somebody_asks_for_afterwards_finds_nobody(
    office: Office, shop: Shop, second: Shop, person: Person
) -> None:
    await person.leave(shop, second)
    await office.tell(person.erase, office.root)

    asked = await office.tell(RequestActivation(phone=person.phone), ANYBODY)

    assert (asked.status, asked.told) == (202, ["activation.unanswered"])
    assert (await office.log_in(person.phone)).code == "AUTH_REQUIRED"
