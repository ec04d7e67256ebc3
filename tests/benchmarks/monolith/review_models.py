"""Reviews, pages and their deliveries: the same facts, keys and indexes as Gatehouse's, as mapped classes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship
from uuid_utils.compat import uuid7

from tests.benchmarks.monolith.models import Base, now
from tests.benchmarks.monolith.partner_models import Partner


class Review(Base):
    __tablename__ = "reviews"
    __table_args__ = (
        Index("monolith_review_open", "partner_id", unique=True, postgresql_where="closed_at IS NULL"),
        Index("monolith_reviews_to_warn", "warn_at", postgresql_where="warned_at IS NULL"),
        Index("monolith_reviews_to_breach", "due_at", postgresql_where="breached_at IS NULL"),
    )

    partner_id: Mapped[UUID] = mapped_column(ForeignKey(Partner.id), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True, default=1)
    opened_at: Mapped[datetime]
    used_seconds: Mapped[int] = mapped_column(default=0)
    running_since: Mapped[datetime | None]
    warn_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    warned_at: Mapped[datetime | None]
    breached_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    partner: Mapped[Partner] = relationship(lazy="raise")


class Page(Base):
    __tablename__ = "pages"
    __table_args__ = (
        UniqueConstraint("partner_id", "dossier_version"),
        Index("monolith_pages_by_state", "state", "id"),
        Index("monolith_pages_to_escalate", "escalate_at", postgresql_where="escalate_at IS NOT NULL"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    version: Mapped[int] = mapped_column(default=1)
    partner_id: Mapped[UUID] = mapped_column(ForeignKey(Partner.id))
    dossier_version: Mapped[int]
    state: Mapped[str] = mapped_column(default="OPEN")
    level: Mapped[int] = mapped_column(default=1)
    raised_at: Mapped[datetime]
    escalate_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by_issuer: Mapped[str | None]
    acknowledged_by: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
    partner: Mapped[Partner] = relationship(lazy="raise")
    deliveries: Mapped[list["PageDelivery"]] = relationship(lazy="raise")


class PageDelivery(Base):
    """Whoever sends pages takes what is due from here."""

    __tablename__ = "page_deliveries"
    __table_args__ = (
        Index("monolith_deliveries_due", "next_try_at", postgresql_where="status IN ('queued', 'failed')"),
    )

    page_id: Mapped[UUID] = mapped_column(ForeignKey(Page.id), primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True, default=1)
    status: Mapped[str] = mapped_column(default="queued")
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime] = mapped_column(default=now)
    failure: Mapped[str | None]
    sent_at: Mapped[datetime | None]
