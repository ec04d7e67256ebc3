"""Promise 7 at random, on a log of which a third is stubs: what is done to them is found and located as well."""

from collections.abc import AsyncIterator
from random import Random

import asyncpg
import pytest
import pytest_asyncio

from services.audit import retention_plan, scan
from services.audit.purges import PurgeCheck
from services.audit.report import Finding
from tests.audit.copies import take_copy
from tests.audit.ledger import story
from tests.audit.retention.purging import Purging, reading
from tests.audit.retention.stub_attacks import ATTACKS, purges_of, stubs_of, with_what_rests_on_it
from tests.audit.test_attacks import Stage, attack_many

pytestmark = pytest.mark.asyncio

DEFAULT, LONG = 130, 5_200


@pytest_asyncio.fixture
async def stage(purging: Purging, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """Several purges of several parts each, none of them finished in order of positions."""
    monkeypatch.setattr(retention_plan, "PART", 7)
    monkeypatch.setattr(retention_plan, "PARTS", 4)
    chance, ledger = Random(7), purging.ledger  # noqa: S311
    for _ in range(6):
        batch = story(chance.randint(25, 40))
        for _ in range(chance.randint(15, 20)):
            batch.insert(chance.randint(0, len(batch)), reading())
        await ledger.take(*([record] for record in batch[:2]), batch[2:])
    purging.grow_older(400)
    for _ in range(3):
        await purging.purge()
        await ledger.take(story(chance.randint(1, 9)))
    connection = await asyncpg.connect(ledger.admin_dsn)
    await connection.execute("ALTER TABLE audit.events DROP CONSTRAINT events_whole_or_purged")
    copy = await take_copy(connection)
    assert len(stubs_of(copy)) > 30
    assert len(purges_of(copy)) > 1
    yield Stage(ledger, connection, copy, chance, attacks=ATTACKS, felt=with_what_rests_on_it)
    await connection.close()


async def test_random_changes_of_a_log_with_stubs_are_found_and_located(stage: Stage) -> None:
    kinds = await attack_many(stage, DEFAULT)

    assert len(kinds) >= 8, kinds


@pytest.mark.faults
async def test_thousands_of_changes_of_a_log_with_stubs_are_found_and_located(stage: Stage) -> None:
    await attack_many(stage, LONG)


async def test_a_verifier_that_believes_stubs_is_noticed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: whether a stub is named, and whether a part is whole, are both needed by some attack."""

    async def nothing(*_: object) -> list[Finding]:
        return []

    stage.attacks = ATTACKS[:2]
    with monkeypatch.context() as patch:
        patch.setattr(scan, "refused_stubs", nothing)
        with pytest.raises(AssertionError, match="was not found"):
            await attack_many(stage, 60)
    with monkeypatch.context() as patch:
        patch.setattr(PurgeCheck, "unfulfilled", lambda _: ())
        with pytest.raises(AssertionError, match="was not found"):
            await attack_many(stage, 60)
