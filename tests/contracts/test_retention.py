"""A10: every event type has a retention class, and every class that ends has a period."""

from contracts.catalogue import event_types
from contracts.legal_holds import AccountHeld, AccountReleased, PartnerHeld, PartnerReleased, TenantHeld, TenantReleased
from contracts.retention import (
    CLASSES,
    DEFAULT_DAYS,
    HELD_KINDS,
    HOLD_PLACED,
    HOLD_RELEASED,
    PERMANENT,
    LogPurged,
    RetentionClass,
    types_of,
)


def test_every_event_type_has_one_retention_class() -> None:
    classified = [name for kind in RetentionClass for name in types_of(kind)]

    assert sorted(classified) == sorted(event.type for event in event_types())
    assert CLASSES.keys() == set(classified)


def test_every_class_but_the_permanent_one_has_a_period() -> None:
    assert DEFAULT_DAYS.keys() == set(RetentionClass) - {RetentionClass.PERMANENT}
    assert all(days > 0 for days in DEFAULT_DAYS.values())


def test_what_the_log_is_held_and_purged_by_stays_for_ever() -> None:
    holds = (PartnerHeld, AccountHeld, TenantHeld), (PartnerReleased, AccountReleased, TenantReleased)

    for events, ending in zip(holds, (HOLD_PLACED, HOLD_RELEASED), strict=True):
        assert {event.type for event in events} == {f"{kind}{ending}" for kind in HELD_KINDS}
    assert {LogPurged.type, *(event.type for events in holds for event in events)} <= PERMANENT
