"""One export: asked for, made or given up, expired. What becomes of it is decided here; its file is made elsewhere."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from contracts.export_messages import ExportMessages
from contracts.exports import DatasetName, ExportFormat, ExportState, ExportView
from contracts.message import EventActor
from services.chassis import Aggregate, Call, Fact

UNDER_WAY = frozenset({ExportState.REQUESTED, ExportState.RUNNING})


@dataclass(kw_only=True, slots=True)
class Export(Aggregate):
    """The fields are columns of `exports`; what the worker notes for itself is not among them."""

    kind: ClassVar[str] = "export"

    dataset: DatasetName
    format: ExportFormat
    range_from: datetime | None
    range_to: datetime | None
    state: ExportState
    requested_by: EventActor
    requested_at: datetime
    scheduled_for: datetime | None
    rows: int | None = None
    size: int | None = None
    sha256: str | None = None
    manifest: str | None = None
    failure: str | None = None
    expires_at: datetime | None = None

    def request(self, messages: ExportMessages) -> Fact:
        return self.record(
            messages.requested(
                **self._about, range_from=self.range_from, range_to=self.range_to, scheduled_for=self.scheduled_for
            )
        )

    def finish(self, lifetime: timedelta, call: Call, messages: ExportMessages) -> Fact | None:
        """None where nothing is to be finished: the file is not whole, or that has been said."""
        if self.state not in UNDER_WAY or self.rows is None or self.size is None or self.sha256 is None:
            return None
        self.state = ExportState.READY
        self.expires_at = self.expires_at or call.now + lifetime  # an erasure may have ended it already
        return self.record(
            messages.finished(
                **self._about, rows=self.rows, size=self.size, sha256=self.sha256, expires_at=self.expires_at
            )
        )

    def fail(self, why: str, messages: ExportMessages) -> Fact | None:
        """None for an export that has a file by now, or an end."""
        if self.state not in UNDER_WAY or self.manifest is not None:
            return None
        self.state, self.failure = ExportState.FAILED, why
        return self.record(messages.failed(**self._about, why=why))

    def expire(self, call: Call, messages: ExportMessages) -> Fact | None:
        if self.state is not ExportState.READY or not self.is_over(call.now) or self.sha256 is None:
            return None
        self.state = ExportState.EXPIRED
        return self.record(messages.expired(**self._about, sha256=self.sha256))

    def give_link(self, now: datetime, lifetime: timedelta, messages: ExportMessages) -> Fact | None:
        """None where there is no file to be had. What the link is, the event does not say."""
        if not self.has_file(now) or self.sha256 is None:
            return None
        return self.record(messages.link_given(**self._about, sha256=self.sha256, link_expires_at=now + lifetime))

    def has_file(self, now: datetime) -> bool:
        return self.state is ExportState.READY and not self.is_over(now)

    def is_over(self, now: datetime) -> bool:
        """Its time is, whether or not anybody has said so."""
        return self.state is ExportState.EXPIRED or (self.expires_at is not None and self.expires_at <= now)

    def view(self, now: datetime, link: str | None = None, link_expires_at: datetime | None = None) -> ExportView:
        return ExportView(
            id=self.id,
            dataset=self.dataset,
            format=self.format,
            state=ExportState.EXPIRED if self.is_over(now) else self.state,
            requested_at=self.requested_at,
            range_from=self.range_from,
            range_to=self.range_to,
            scheduled_for=self.scheduled_for,
            rows=self.rows,
            size=self.size,
            sha256=self.sha256,
            manifest=self.manifest,
            failure=self.failure if self.state is ExportState.FAILED else None,
            expires_at=self.expires_at,
            link=link,
            link_expires_at=link_expires_at,
        )

    @property
    def location(self) -> str:
        return location_of(self.id)

    @property
    def _about(self) -> dict[str, Any]:
        return {"dataset": self.dataset, "format": self.format, "requested_by": self.requested_by}


def location_of(export_id: UUID) -> str:
    return f"/api/v1/exports/{export_id}"
