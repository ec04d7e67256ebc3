"""Promise 7, at random: thousands of changes by the database's superuser are found and located, and no other log is.

Each attack happens in a transaction that is rolled back. What it damaged first is worked out by comparing every row
with a copy taken before, so the verifier is not asked about itself.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from services.audit.report import Finding, Kind, Report
from services.audit.scan import scan_within
from services.audit.verify import Verification
from tests.audit.attacks import ATTACKS, Attack, Victim, fork_into_two_histories, restore_yesterdays_copy
from tests.audit.copies import Copy, Damage, take_copy
from tests.audit.ledger import Ledger, story

pytestmark = pytest.mark.asyncio

DEFAULT, LONG = 200, 10_200
EVENTS = 280  # enough that one subtree is complete, and its root kept


@dataclass(repr=False)
class Stage:
    """A log, a superuser's connection to it, and the copy it is compared with."""

    ledger: Ledger
    connection: Any
    copy: Copy
    chance: Random
    remembered: bool = True
    attacks: Sequence[Attack] = ATTACKS
    felt: Callable[[Copy, Copy, Damage], Damage] = lambda _, __, damage: damage

    async def verify(self, published: list[str]) -> Report:
        verification = Verification(self.ledger.signer.verifier, published)
        async with self.connection.transaction():
            return await scan_within(self.connection, verification, self.chance.choice((7, 64, 1000)))

    async def suffer(self, attack: Attack) -> tuple[Report, Damage | None, set[int]]:
        """What the verification says, what was damaged first, and the sizes remembered outside."""
        transaction = self.connection.transaction()
        await transaction.start()
        try:
            await self.connection.execute("SET LOCAL session_replication_role = replica")
            victim = Victim(self.connection, self.copy, self.chance, self.ledger.signer)
            inside = await attack(victim)
            kept = self.outside(some=inside)
            sizes = {self.ledger.signer.verifier.checkpoint(note).size for note in kept}
            left = await take_copy(self.connection)
            damage = self.copy.differs_from(left)
            return await self.verify(kept), damage and self.felt(self.copy, left, damage), sizes
        finally:
            await transaction.rollback()

    def outside(self, *, some: bool) -> list[str]:
        """What bucket and topic remember: the newest note, and a few before it; perhaps nothing could be read."""
        if not self.remembered or (some and self.chance.random() < 0.5):
            return []
        return [*self.chance.sample(self.copy.notes, self.chance.randrange(4)), self.copy.notes[-1]]


@pytest_asyncio.fixture
async def stage(ledger: Ledger) -> AsyncIterator[Stage]:
    chance = Random(7)  # noqa: S311
    while len(ledger.commits) < 8 or len(ledger.positions) < EVENTS:
        await ledger.take(story(chance.randint(1, 25)))
    connection = await asyncpg.connect(ledger.admin_dsn)
    yield Stage(ledger, connection, await take_copy(connection), chance)
    await connection.close()


def locates(finding: Finding, damage: Damage, sizes: Iterable[int]) -> bool:
    """What is named holds the first damage, and begins no earlier than the last of these checkpoints before it."""
    end = finding.position if finding.until is None else finding.until
    sealed = max((size for size in sizes if size <= damage.start), default=0)
    return sealed <= finding.position <= damage.end and damage.start <= end


async def attack_many(stage: Stage, rounds: int) -> Counter[str]:
    """Every attack in turn; after each the log is as before, and must be found sound."""
    kinds: Counter[str] = Counter()
    for number in range(rounds):
        attack = stage.attacks[number % len(stage.attacks)]
        report, damage, kept = await stage.suffer(attack)
        assert damage is not None, f"{attack.__name__} changed nothing"
        assert report.finding is not None, f"{attack.__name__} {number} was not found: {damage}"
        bounds = {Kind.FORKED: kept, Kind.STUBS_DIFFER: ()}.get(report.finding.kind, stage.copy.sizes)
        assert locates(report.finding, damage, bounds), (
            attack.__name__,
            number,
            report.finding,
            damage,
        )
        assert report.proven <= damage.end, (attack.__name__, report, damage)
        sound = await stage.verify(stage.outside(some=True))
        assert sound.finding is None, (attack.__name__, number, sound)
        kinds[report.finding.kind] += 1
    return kinds


async def test_random_changes_by_a_superuser_are_found_and_located(stage: Stage) -> None:  # A5, A7
    kinds = await attack_many(stage, DEFAULT)

    assert len(kinds) >= 8, kinds


@pytest.mark.faults
async def test_ten_thousand_changes_by_a_superuser_are_found_and_located(stage: Stage) -> None:  # A5, A7
    await attack_many(stage, LONG)


async def test_two_histories_look_sound_to_whoever_kept_nothing_outside(stage: Stage) -> None:
    """The control: a fork by the log's own key, and yesterday's copy, are found by what was published alone."""
    stage.remembered = False
    for attack in (fork_into_two_histories, restore_yesterdays_copy):
        report, damage, _ = await stage.suffer(attack)

        assert damage is not None
        assert report.finding is None


async def test_a_verifier_that_forgot_one_comparison_is_noticed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: each of the verifier's looks is needed by some attack."""
    for look in ("_compare_targets", "_late", "_misled"):
        with monkeypatch.context() as patch:
            patch.setattr(Verification, look, lambda *_: None)
            with pytest.raises(AssertionError):
                await attack_many(stage, 120)
