"""What tests of purging share: old events, the way of an intent into the log, and what is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.retention import DEFAULT_DAYS, RetentionClass
from services.audit.retention import Retention
from services.audit.retention_plan import Periods
from tests.audit.ledger import Ledger, event, record

PARTNER, TENANT, ACCOUNT = (UUID(int=number, version=4) for number in (1, 2, 3))
ROOT = {"type": "user", "issuer": "https://id.example", "subject": "root-admin-1"}
CLERK = {"type": "staff", "issuer": None, "subject": str(ACCOUNT)}
OLDER: LiteralString = """
    UPDATE events SET recorded_at = recorded_at - interval '%s days' WHERE position < %s;
    UPDATE checkpoints SET created_at = created_at - interval '%s days' WHERE size <= %s
"""


def told(kind: str, *targets: tuple[str, UUID], actor: dict[str, Any] | None = None, version: int = 1) -> Any:
    """One event of its own aggregate, of any type."""
    about = [{"type": name, "id": str(target)} for name, target in targets]
    aggregate = {"aggregate_type": targets[0][0]} if targets else {}
    subject = targets[0][1] if version > 1 or ".legal_hold_" in kind else uuid4()
    return record(
        event(version, subject, type=kind, targets=about, actor=actor or ROOT, data={"note": "Nordhafen"}, **aggregate),
        topic=kind,
    )


def reading() -> Any:
    return told("audit.read", ("reading", uuid4()))


def hold(kind: str, subject: UUID, version: int = 1) -> Any:
    return told(f"{kind}.legal_hold_placed", (kind, subject), version=version)


def release(kind: str, subject: UUID, version: int = 2) -> Any:
    return told(f"{kind}.legal_hold_released", (kind, subject), version=version)


@dataclass
class Purging:
    """A ledger whose events can grow old, and be purged as the service does it."""

    ledger: Ledger
    remover: AsyncEngine

    def retention(self, periods: Periods | None = None) -> Retention:
        return Retention(self.ledger.engine, self.remover, periods or DEFAULT_DAYS, lambda _: None)

    def grow_older(self, days: int) -> None:
        """Everything so far was recorded that long ago; the log still fits together."""
        size = len(self.ledger.positions)
        for statement in (OLDER % (days, size, days, size)).split(";"):
            self.ledger.tamper(statement)

    async def deliver(self) -> int:
        """What relay and broker do: intents that wait in the outbox come into the log."""
        rows = self.ledger.rows(
            "SELECT topic, value FROM outbox o WHERE NOT EXISTS (SELECT FROM events e WHERE e.id = o.event_id)"
            " ORDER BY id"
        )
        await self.ledger.take([record(row["value"], topic=row["topic"]) for row in rows])
        return len(rows)

    async def purge(self, periods: Periods | None = None) -> None:
        """Until nothing is due."""
        retention = self.retention(periods)
        while await retention.look():
            assert await self.deliver()

    async def remove(self) -> int:
        """What is named by now; says how many."""
        retention = self.retention()
        await retention.remove()
        return retention.removed

    @property
    def stubs(self) -> list[int]:
        return [row["position"] for row in self.ledger.rows("SELECT position FROM events WHERE raw IS NULL ORDER BY 1")]


def classes() -> Sequence[tuple[RetentionClass, Any]]:
    """An event of each class, in an order of which the positions follow."""
    return (
        (RetentionClass.READING, reading()),
        (RetentionClass.EVIDENCE, told("partner.approved", ("partner", PARTNER))),
        (RetentionClass.REFUSAL, told("staff.refused", ("tenant", TENANT))),
        (RetentionClass.ACCESS, told("staff.renamed", ("membership", uuid4()), ("account", ACCOUNT), actor=CLERK)),
        (RetentionClass.PERMANENT, told("membership.granted", ("membership", uuid4()), ("tenant", TENANT))),
    )
