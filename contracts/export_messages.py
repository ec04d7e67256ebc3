"""The messages of exports, a set for each owner of data: same shapes, names and topics of its own."""

from typing import ClassVar, NamedTuple

from contracts import partners, staffing
from contracts.audit import COMMANDS
from contracts.exports import (
    DatasetName,
    ExpireExport,
    ExportExpired,
    ExportFailed,
    ExportFinished,
    ExportLinkGiven,
    ExportRequested,
    FailExport,
    FinishExport,
    StartExport,
    StartScheduledExport,
)


class ExportMessages(NamedTuple):
    """All that one owner is told about its exports, and tells."""

    datasets: frozenset[DatasetName]
    start: type[StartExport]
    start_scheduled: type[StartScheduledExport]
    finish: type[FinishExport]
    fail: type[FailExport]
    expire: type[ExpireExport]
    requested: type[ExportRequested]
    finished: type[ExportFinished]
    failed: type[ExportFailed]
    expired: type[ExportExpired]
    link_given: type[ExportLinkGiven]


OF_PARTNERS = frozenset(
    {
        DatasetName.PARTNERS,
        DatasetName.CONTACTS,
        DatasetName.DOSSIERS,
        DatasetName.DOCUMENTS,
        DatasetName.APPROVALS,
        DatasetName.INVOICES,
        DatasetName.VOUCHERS,
    }
)


class _OfPartners:
    topic: ClassVar[str] = partners.COMMANDS
    refused_as: ClassVar[str] = "partner.refused"
    datasets: ClassVar[frozenset[DatasetName]] = OF_PARTNERS


class StartPartnersExport(_OfPartners, StartExport):
    type: ClassVar[str] = "partners.export.start"


class StartScheduledPartnersExport(_OfPartners, StartScheduledExport):
    type: ClassVar[str] = "partners.export.start_scheduled"


class FinishPartnersExport(_OfPartners, FinishExport):
    type: ClassVar[str] = "partners.export.finish"


class FailPartnersExport(_OfPartners, FailExport):
    type: ClassVar[str] = "partners.export.fail"


class ExpirePartnersExport(_OfPartners, ExpireExport):
    type: ClassVar[str] = "partners.export.expire"


class PartnersExportRequested(ExportRequested):
    type: ClassVar[str] = "partners.export_requested"


class PartnersExportFinished(ExportFinished):
    type: ClassVar[str] = "partners.export_finished"


class PartnersExportFailed(ExportFailed):
    type: ClassVar[str] = "partners.export_failed"


class PartnersExportExpired(ExportExpired):
    type: ClassVar[str] = "partners.export_expired"


class PartnersExportLinkGiven(ExportLinkGiven):
    type: ClassVar[str] = "partners.export_link_given"


OF_STAFFING = frozenset(
    {
        DatasetName.TENANTS,
        DatasetName.ROLES,
        DatasetName.BRANCHES,
        DatasetName.ACCOUNTS,
        DatasetName.MEMBERSHIPS,
        DatasetName.PROFILES,
        DatasetName.BRANCH_ASSIGNMENTS,
    }
)


class _OfStaffing:
    topic: ClassVar[str] = staffing.COMMANDS
    refused_as: ClassVar[str] = "staff.refused"
    datasets: ClassVar[frozenset[DatasetName]] = OF_STAFFING


class StartStaffingExport(_OfStaffing, StartExport):
    type: ClassVar[str] = "staffing.export.start"


class StartScheduledStaffingExport(_OfStaffing, StartScheduledExport):
    type: ClassVar[str] = "staffing.export.start_scheduled"


class FinishStaffingExport(_OfStaffing, FinishExport):
    type: ClassVar[str] = "staffing.export.finish"


class FailStaffingExport(_OfStaffing, FailExport):
    type: ClassVar[str] = "staffing.export.fail"


class ExpireStaffingExport(_OfStaffing, ExpireExport):
    type: ClassVar[str] = "staffing.export.expire"


class StaffingExportRequested(ExportRequested):
    type: ClassVar[str] = "staffing.export_requested"


class StaffingExportFinished(ExportFinished):
    type: ClassVar[str] = "staffing.export_finished"


class StaffingExportFailed(ExportFailed):
    type: ClassVar[str] = "staffing.export_failed"


class StaffingExportExpired(ExportExpired):
    type: ClassVar[str] = "staffing.export_expired"


class StaffingExportLinkGiven(ExportLinkGiven):
    type: ClassVar[str] = "staffing.export_link_given"


OF_AUDIT = frozenset({DatasetName.EVENTS})


class _OfAudit:
    topic: ClassVar[str] = COMMANDS
    refused_as: ClassVar[str] = "audit.refused"
    datasets: ClassVar[frozenset[DatasetName]] = OF_AUDIT


class StartAuditExport(_OfAudit, StartExport):
    type: ClassVar[str] = "audit.export.start"


class StartScheduledAuditExport(_OfAudit, StartScheduledExport):
    type: ClassVar[str] = "audit.export.start_scheduled"


class FinishAuditExport(_OfAudit, FinishExport):
    type: ClassVar[str] = "audit.export.finish"


class FailAuditExport(_OfAudit, FailExport):
    type: ClassVar[str] = "audit.export.fail"


class ExpireAuditExport(_OfAudit, ExpireExport):
    type: ClassVar[str] = "audit.export.expire"


class AuditExportRequested(ExportRequested):
    type: ClassVar[str] = "audit.export_requested"


class AuditExportFinished(ExportFinished):
    type: ClassVar[str] = "audit.export_finished"


class AuditExportFailed(ExportFailed):
    type: ClassVar[str] = "audit.export_failed"


class AuditExportExpired(ExportExpired):
    type: ClassVar[str] = "audit.export_expired"


class AuditExportLinkGiven(ExportLinkGiven):
    type: ClassVar[str] = "audit.export_link_given"


PARTNERS = ExportMessages(
    OF_PARTNERS,
    StartPartnersExport,
    StartScheduledPartnersExport,
    FinishPartnersExport,
    FailPartnersExport,
    ExpirePartnersExport,
    PartnersExportRequested,
    PartnersExportFinished,
    PartnersExportFailed,
    PartnersExportExpired,
    PartnersExportLinkGiven,
)
STAFFING = ExportMessages(
    OF_STAFFING,
    StartStaffingExport,
    StartScheduledStaffingExport,
    FinishStaffingExport,
    FailStaffingExport,
    ExpireStaffingExport,
    StaffingExportRequested,
    StaffingExportFinished,
    StaffingExportFailed,
    StaffingExportExpired,
    StaffingExportLinkGiven,
)
AUDIT = ExportMessages(
    OF_AUDIT,
    StartAuditExport,
    StartScheduledAuditExport,
    FinishAuditExport,
    FailAuditExport,
    ExpireAuditExport,
    AuditExportRequested,
    AuditExportFinished,
    AuditExportFailed,
    AuditExportExpired,
    AuditExportLinkGiven,
)
OWNERS = (PARTNERS, STAFFING, AUDIT)
