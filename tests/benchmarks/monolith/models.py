"""The monolith's tables: the same facts, keys and constraints as Gatehouse's, as mapped classes in one schema."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, MetaData, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from uuid_utils.compat import uuid7

SCHEMA = "monolith"


def now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(schema=SCHEMA)
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


class Upload(Base):
    __tablename__ = "uploads"
    __table_args__ = (Index("monolith_uploads_by_partner", "partner_id", "created_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    object_key: Mapped[str] = mapped_column(unique=True)
    partner_id: Mapped[UUID]
    document: Mapped[str]
    content_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    issuer: Mapped[str]
    subject: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Partner(Base):
    __tablename__ = "partners"
    __table_args__ = (Index("monolith_partners_by_state", "state", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str]
    name: Mapped[str]
    legal_name: Mapped[str]
    approved_at: Mapped[datetime | None] = mapped_column(default=None)
    approved_by: Mapped[str | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[int] = mapped_column(default=1)
    contacts: Mapped[list["Contact"]] = relationship(lazy="raise")
    dossiers: Mapped[list["Dossier"]] = relationship(lazy="raise")


class Contact(Base):
    __tablename__ = "partner_contacts"
    __table_args__ = (
        Index("monolith_contact_once", "issuer", "subject", unique=True, postgresql_where="status = 'ACTIVE'"),
    )

    partner_id: Mapped[UUID] = mapped_column(ForeignKey(Partner.id), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    phone: Mapped[str]
    role: Mapped[str]
    issuer: Mapped[str]
    subject: Mapped[str]
    status: Mapped[str] = mapped_column(default="ACTIVE")
    added_at: Mapped[datetime] = mapped_column(default=now)


class Dossier(Base):
    __tablename__ = "dossiers"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    partner_id: Mapped[UUID] = mapped_column(ForeignKey(Partner.id), index=True)
    version: Mapped[int] = mapped_column(default=1)
    filed_by: Mapped[str]
    filed_at: Mapped[datetime] = mapped_column(default=now)
    documents: Mapped[list["Document"]] = relationship(lazy="raise")


class Document(Base):
    __tablename__ = "dossier_documents"

    dossier_id: Mapped[UUID] = mapped_column(ForeignKey(Dossier.id), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[UUID] = mapped_column(index=True)
    object_key: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    version_id: Mapped[str]
    uploaded_by: Mapped[str]
    uploaded_at: Mapped[datetime]
