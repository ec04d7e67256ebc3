"""What all tables of the monolith share, and the two that every command writes: its events and its answer."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, LargeBinary, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7


def now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True), bytes: LargeBinary, dict[str, Any]: JSONB}  # noqa: RUF012


class Event(Base):
    """One fact, written with the state it is about."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("aggregate_id", "aggregate_version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    type: Mapped[str]
    aggregate_type: Mapped[str]
    aggregate_id: Mapped[UUID]
    aggregate_version: Mapped[int]
    actor: Mapped[dict[str, Any]]
    context: Mapped[dict[str, Any]]
    data: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime] = mapped_column(default=now)


class Idempotency(Base):
    """An answer as it was given under somebody's Idempotency-Key; the same body gets it again."""

    __tablename__ = "idempotency"

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_sha256: Mapped[bytes]
    status: Mapped[int]
    body: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=now)
