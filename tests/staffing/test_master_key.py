"""A master key is changed while everything runs: nothing becomes unreadable, no answer is lost, no key comes back."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from contracts.failures import Code
from deploy.cli.app import app
from services.people.rewrapping import rewrap_keys
from services.wire.personal import MasterKey, SealedParts, UnopenableError
from tests.staffing.office import Office, Shop, provision

pytestmark = pytest.mark.asyncio


def a_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()


@pytest_asyncio.fixture
async def keys(office: Office) -> AsyncIterator[tuple[str, str]]:
    """The key of this stack, and another; afterwards everything is as it was."""
    old, new = office.settings.personal_master_key.get_secret_value(), a_key()
    yield old, new
    await rewrap_keys(office.engine, MasterKey(old, [new]))


def wrapped(office: Office, *people: UUID) -> dict[UUID, bytes]:
    rows = office.tables.rows("SELECT person_id, wrapped FROM person_keys WHERE person_id = ANY(%s)", list(people))
    return {row["person_id"]: bytes(row["wrapped"]) for row in rows}


async def hired(office: Office, shop: Shop) -> UUID:
    return UUID((await office.hired(shop)).subject)


async def test_whoever_came_before_and_during_the_change_opens_with_the_new_key_alone(
    office: Office, shop: Shop, keys: tuple[str, str]
) -> None:
    old, new = keys
    people = [await hired(office, shop)]
    office.trust(MasterKey(old, [new]))
    people.append(await hired(office, shop))
    office.trust(MasterKey(new, [old]))
    people.append(await hired(office, shop))
    before = {who: MasterKey(new, [old]).unwrap(who, key) for who, key in wrapped(office, *people).items()}

    first = await rewrap_keys(office.engine, office.master, page=2)
    second = await rewrap_keys(office.engine, office.master, page=2)

    assert first.anew >= 2
    assert (second.anew, second.lost, second.keys) == (0, (), first.keys)
    for who, key in wrapped(office, *people).items():
        text = before[who].seal("Ana", "staff.provisioned", "name")
        assert opened(MasterKey(new), who, key, text) == "Ana"
        with pytest.raises(UnopenableError):
            MasterKey(old).unwrap(who, key)


def opened(master: MasterKey, who: UUID, key: bytes, text: str) -> str:
    return master.unwrap(who, key).open(SealedParts.of(text), "staff.provisioned", "name")


async def test_two_who_do_it_at_once_wrap_each_key_once(office: Office, shop: Shop, keys: tuple[str, str]) -> None:
    old, new = keys
    for _ in range(3):
        await hired(office, shop)
    master = MasterKey(new, [old])

    both = await asyncio.gather(*(rewrap_keys(office.engine, master, page=1) for _ in range(2)))

    assert sum(done.anew for done in both) == both[0].keys


async def test_a_key_that_nothing_opens_is_named_and_left_as_it_is(
    office: Office, shop: Shop, keys: tuple[str, str]
) -> None:
    old, new = keys
    person = await hired(office, shop)

    done = await rewrap_keys(office.engine, MasterKey(new))

    assert person in done.lost
    assert done.anew == 0
    assert MasterKey(old).unwrap(person, wrapped(office, person)[person])


async def test_a_command_from_before_the_change_keeps_its_answer_while_the_old_key_is_accepted(
    office: Office, shop: Shop, keys: tuple[str, str]
) -> None:
    old, new = keys
    command, command_id = provision(shop), uuid4()
    answer = await office.tell(command, shop.owner, command_id=command_id)

    office.trust(MasterKey(new, [old]))
    again = await office.tell(command, shop.owner, command_id=command_id)
    office.trust(MasterKey(new))
    refused = await office.tell(command, shop.owner, command_id=command_id)

    assert answer.status == 201
    assert (again.status, again.body) == (answer.status, answer.body)
    assert again.events == []
    assert [event["reason_code"] for event in refused.events] == [Code.IDEMPOTENCY_KEY_REUSED]  # the control


async def test_the_command_says_how_many_and_refuses_the_settings_of_another_service(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = office.stack.home
    done = await asyncio.to_thread(CliRunner().invoke, app, ["keys", "rewrap", "staffing", "--home", str(home.root)])
    monkeypatch.setenv("GATEHOUSE_SETTINGS", str(home.settings("partners")))
    refused = await asyncio.to_thread(CliRunner().invoke, app, ["keys", "rewrap", "staffing"])

    assert (done.exit_code, done.stdout.endswith("0 of them wrapped anew\n")) == (0, True)
    assert refused.exit_code == 2
    assert "not of staffing" in refused.stderr
