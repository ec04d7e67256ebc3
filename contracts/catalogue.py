"""Every message there is, found from the models themselves."""

from importlib import import_module

from contracts.message import Command, EventData, Query, walk_subclasses

MODULES = (
    "access",
    "audit",
    "audit_as_of",
    "audit_consistency",
    "audit_events",
    "credentials",
    "decisions",
    "export_messages",
    "exports",
    "erasure",
    "gate",
    "gateway_events",
    "invoices",
    "legal_holds",
    "operations",
    "partner_events",
    "partners",
    "personal",
    "provisioning",
    "retention",
    "reviews",
    "staff_changes",
    "staff_events",
    "staffing",
    "vouchers",
    "work_events",
)
for name in MODULES:
    import_module(f"contracts.{name}")


def command_types() -> tuple[type[Command], ...]:
    return tuple(walk_subclasses(Command))


def query_types() -> tuple[type[Query], ...]:
    return tuple(walk_subclasses(Query))


def event_types() -> tuple[type[EventData], ...]:
    return tuple(walk_subclasses(EventData))
