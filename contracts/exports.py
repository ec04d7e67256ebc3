"""Exports of datasets: what may be asked for, and how the owner of the data answers (A9, S1.45).

An auditor or a root admin asks; the file is made in the background, and its size, hash and signed manifest are facts of
the log. Each dataset has one owner, whose own messages stand in `contracts.export_messages`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from contracts.audit import READERS
from contracts.message import Command, Contract, EventActor, EventData, Query, Target
from contracts.roles import Role

ANY_OWNER = "*.queries"


class DatasetName(StrEnum):
    PARTNERS = "partners"
    CONTACTS = "contacts"
    DOSSIERS = "dossiers"
    DOCUMENTS = "documents"
    APPROVALS = "approvals"
    INVOICES = "invoices"
    VOUCHERS = "vouchers"
    TENANTS = "tenants"
    ROLES = "roles"
    BRANCHES = "branches"
    ACCOUNTS = "accounts"
    MEMBERSHIPS = "memberships"
    PROFILES = "profiles"
    BRANCH_ASSIGNMENTS = "branch_assignments"
    EVENTS = "events"


class ExportFormat(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class ExportState(StrEnum):
    REQUESTED = "REQUESTED"
    RUNNING = "RUNNING"
    READY = "READY"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


class _ExportOverHttp:
    """The name of the call, whichever owner's command it becomes."""

    type: ClassVar[str] = "export.start"


class _OfDataset(Command):
    """A command about one of the `datasets` of its owner; no others are understood."""

    datasets: ClassVar[frozenset[DatasetName]] = frozenset(DatasetName)

    dataset: Annotated[DatasetName, Field(strict=False)]
    format: Annotated[ExportFormat, Field(strict=False)]

    @model_validator(mode="after")
    def _is_one_of_ours(self) -> Self:
        if self.dataset not in self.datasets:
            raise ValueError(f"{self.dataset} is not a dataset of this service")
        return self

    def key(self) -> str:
        return self.dataset


class StartExport(_ExportOverHttp, _OfDataset):
    """Make a file of a dataset: all of it, or the rows of its time from `from` on up to but without `to`."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    roles: ClassVar[frozenset[Role]] = READERS

    range_from: Annotated[AwareDatetime | None, Field(alias="from")] = None
    range_to: Annotated[AwareDatetime | None, Field(alias="to")] = None


class StartScheduledExport(_OfDataset):
    """The export whose time has come by the schedule; each slot is one, whoever says so and however often."""

    system: ClassVar[bool] = True

    scheduled_for: AwareDatetime


class OfExport(Command):
    """A report of the service's own worker about one export."""

    system: ClassVar[bool] = True

    export_id: UUID

    def key(self) -> str:
        return str(self.export_id)

    def targets(self) -> tuple[Target, ...]:
        return (Target(type="export", id=str(self.export_id)),)


class FinishExport(OfExport):
    """Its file is whole, and its row says what it is."""


class FailExport(OfExport):
    """It was tried often enough."""

    why: Annotated[str, Field(min_length=1, max_length=500)]


class ExpireExport(OfExport):
    """Its time is over and its file is gone."""


class GetExport(Query):
    """How far an export is, with a link to its file that is good for five minutes. All owners are asked."""

    asked_of_all: ClassVar[bool] = True
    type: ClassVar[str] = "export.get"
    topic: ClassVar[str] = ANY_OWNER
    roles: ClassVar[frozenset[Role]] = READERS

    export_id: UUID


class GetExportFile(Query):
    """The link alone; refused where there is no file. All owners are asked."""

    asked_of_all: ClassVar[bool] = True
    type: ClassVar[str] = "export.file"
    topic: ClassVar[str] = ANY_OWNER
    roles: ClassVar[frozenset[Role]] = READERS

    export_id: UUID


class ExportView(Contract):
    """`manifest` is a signed note over what the file is; `from` and `to` are the range that was asked for."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    id: UUID
    dataset: DatasetName
    format: ExportFormat
    state: ExportState
    requested_at: datetime
    range_from: Annotated[datetime | None, Field(alias="from")] = None
    range_to: Annotated[datetime | None, Field(alias="to")] = None
    scheduled_for: datetime | None = None
    rows: int | None = None
    size: int | None = None
    sha256: str | None = None
    manifest: str | None = None
    failure: str | None = None
    expires_at: datetime | None = None
    link: str | None = None
    link_expires_at: datetime | None = None


class ExportLink(Contract):
    link: str


class ExportFact(EventData):
    """`requested_by` is who asked for the file: a person, or the service by its schedule."""

    dataset: DatasetName
    format: ExportFormat
    requested_by: EventActor


class ExportRequested(ExportFact):
    range_from: datetime | None
    range_to: datetime | None
    scheduled_for: datetime | None


class ExportFinished(ExportFact):
    rows: int
    size: int
    sha256: str
    expires_at: datetime


class ExportFailed(ExportFact):
    why: str


class ExportExpired(ExportFact):
    """The file `sha256` is not there any more."""

    sha256: str


class ExportLinkGiven(ExportFact):
    """The event's actor was given a link to the file `sha256`; the link is no part of it, since it opens the file."""

    sha256: str
    link_expires_at: datetime
