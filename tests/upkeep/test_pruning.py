"""Claims and answers that nothing can ask for any more go; an answer that pins something stays as long as it must."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from deploy.local.stack import Stack
from services.chassis.database import connect
from services.upkeep import Pruning, pruning
from tests.chassis.workbench import settings_of
from tests.support import Tables

DAY = timedelta(days=1)


def claimed(tables: Tables, ago: timedelta) -> UUID:
    message = uuid4()
    tables.rows("INSERT INTO inbox VALUES (%s, now() - %s) RETURNING 1", message, ago)
    return message


def answered(tables: Tables, ago: timedelta, *, binding: bool, by: tuple[str, str] = ("", "anonymous")) -> UUID:
    message = uuid4()
    tables.rows(
        "INSERT INTO replies VALUES (%s, %s, %s, %s, sha256('x'), %s, 200, NULL, NULL, '', now() - %s) RETURNING 1",
        message,
        uuid4(),
        *by,
        binding,
        ago,
    )
    return message


@pytest.fixture
def tables(stack: Stack) -> Tables:
    return Tables(stack, "partners")


async def test_what_no_redelivery_can_ask_for_goes(stack: Stack, tables: Tables) -> None:
    settings = settings_of(stack, "partners").model_copy(update={"messages_kept_days": 30, "answers_kept_days": 366})
    claims = [claimed(tables, days * DAY) for days in (31, 29)]
    answers = {
        "old": answered(tables, 31 * DAY, binding=False),
        "young": answered(tables, 29 * DAY, binding=False),
        "binding, young": answered(tables, 365 * DAY, binding=True),
        "binding, old": answered(tables, 367 * DAY, binding=True),
        "a service's own": answered(tables, 4_000 * DAY, binding=True, by=("", "partners")),
    }
    engine = connect(settings.database_url.get_secret_value())

    await Pruning(engine, settings).once()
    await engine.dispose()

    left = {row["message_id"] for row in tables.rows("SELECT message_id FROM inbox WHERE message_id = ANY(%s)", claims)}
    assert left == set(claims[1:])
    ids = list(answers.values())
    found = {row["message_id"] for row in tables.rows("SELECT message_id FROM replies WHERE message_id = ANY(%s)", ids)}
    assert {name for name, message in answers.items() if message in found} == {
        "young",
        "binding, young",
        "a service's own",
    }


async def test_it_goes_a_little_at_a_time(stack: Stack, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "AT_ONCE", 2)
    settings = settings_of(stack, "partners")
    claims = [claimed(tables, 1_000 * DAY) for _ in range(3)]
    engine = connect(settings.database_url.get_secret_value())

    first = await Pruning(engine, settings).once()
    second = await Pruning(engine, settings).once()
    await engine.dispose()

    assert (first["inbox"], second["inbox"]) == (2, 1)
    assert tables.rows("SELECT 1 FROM inbox WHERE message_id = ANY(%s)", claims) == []
