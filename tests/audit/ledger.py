"""A log of its own for each test: a fresh database, a key, a bucket, and records as Kafka would deliver them."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString
from uuid import UUID, uuid4

import orjson
import psycopg
from aiokafka import ConsumerRecord
from psycopg.rows import dict_row
from sqlalchemy.ext.asyncio import AsyncEngine

from services.audit.log import Sequencer
from services.audit.note import Signer
from services.audit.ranges import verify_log
from services.audit.report import Report
from services.audit.scan import scan
from services.audit.verify import Verification

TOPIC = "partner.submitted"
PHONE = "+41446681800"


def event(version: int = 1, aggregate: UUID | None = None, /, **changes: Any) -> dict[str, Any]:
    """The document of an event as `chassis.outbox` renders it."""
    partner = str(aggregate or uuid4())
    document = {
        "id": str(uuid4()),
        "type": TOPIC,
        "schema_version": 1,
        "aggregate_type": "partner",
        "aggregate_id": partner,
        "aggregate_version": version,
        "actor": {"type": "user", "issuer": "https://id.example", "subject": "maria"},
        "targets": [{"type": "partner", "id": partner}],
        "context": {"request_id": "req-1", "command_id": str(uuid4()), "ip": "203.0.113.7", "traceparent": None},
        "occurred_at": "2026-11-22T12:00:00.000001Z",
        "outcome": "SUCCEEDED",
        "reason_code": None,
        "data": {"name": "Nordhafen OTC"},
    }
    return document | changes


def record(value: bytes | dict[str, Any] | None, topic: str = TOPIC, offset: int = 0) -> Any:
    """The value as aiokafka hands it over."""
    raw = orjson.dumps(value) if isinstance(value, dict) else value
    return ConsumerRecord(topic, 0, offset, 0, 0, b"key", raw, None, 3, len(raw or b""), ())


def story(length: int) -> list[Any]:
    """One partner's history: versions 1 to `length`."""
    partner = uuid4()
    return [record(event(n, partner), offset=n) for n in range(1, length + 1)]


@dataclass
class Ledger:
    """The audit service's database, seen by the service, its owner and a superuser."""

    admin_dsn: str
    engine: AsyncEngine
    signer: Signer
    commits: list[int] = field(default_factory=list)

    @property
    def sequencer(self) -> Sequencer:
        return Sequencer(self.engine, self.signer, lambda: self.commits.append(1))

    async def take(self, *batches: Sequence[Any]) -> None:
        for batch in batches:
            await self.sequencer(batch)

    async def verify(self, published: Sequence[str] = (), page: int = 4) -> Report:
        return await scan(self.admin_dsn, Verification(self.signer.verifier, published), page)

    async def verify_in_ranges(self, published: Sequence[str] = (), page: int = 4, ranges: int = 3) -> Report:
        """By several processes."""
        return await verify_log(self.admin_dsn, self.signer.verifier, published, page, ranges)

    def rows(self, statement: LiteralString, *args: Any, role: str = "") -> list[dict[str, Any]]:
        with psycopg.connect(self.admin_dsn, autocommit=True, row_factory=dict_row) as connection:
            connection.execute("SET search_path TO audit")
            if role:
                connection.execute(psycopg.sql.SQL("SET ROLE {}").format(psycopg.sql.Identifier(role)))
            cursor = connection.execute(statement, args)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: LiteralString, *args: Any) -> Any:
        return next(iter(self.rows(statement, *args)[0].values()))

    def tamper(self, *statements: LiteralString) -> None:
        """What a superuser can do: switch the trigger off, change what he likes, switch it on again."""
        with psycopg.connect(self.admin_dsn) as connection:
            connection.execute("SET search_path TO audit")
            connection.execute("SET LOCAL session_replication_role = replica")
            for statement in statements:
                connection.execute(statement)

    def let_connect(self, *, allowed: bool) -> None:
        """Close the database to everybody who comes, and end who is there; or open it again."""
        server, _, name = self.admin_dsn.rpartition("/")
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} CONNECTION LIMIT {-1 if allowed else 0}".encode())
            if not allowed:
                connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

    @property
    def positions(self) -> list[int]:
        return [row["position"] for row in self.rows("SELECT position FROM events ORDER BY position")]

    @property
    def letters(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM dead_letters ORDER BY id")

    @property
    def notes(self) -> list[str]:
        """Every checkpoint, as an outsider would have collected them."""
        return [row["note"] for row in self.rows("SELECT note FROM checkpoints ORDER BY size")]


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
