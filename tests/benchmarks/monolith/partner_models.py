"""Partners, rosters, dossiers and uploads: the same facts, keys and constraints as Gatehouse's, as mapped classes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship
from uuid_utils.compat import uuid7

from tests.benchmarks.monolith.models import Base, now


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
