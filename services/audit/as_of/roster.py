"""A roster as the partner's events tell of it: every stay of every person, in the order they came. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from contracts.audit_as_of import StayAsOf
from contracts.partner_events import (
    PartnerContactAdded,
    PartnerContactDeactivated,
    PartnerContactRemoved,
    PartnerContactUpdated,
    PartnerSubmitted,
)
from services.audit.as_of.told import Told

ACTIVE, REMOVED = "ACTIVE", "REMOVED"


@dataclass(slots=True)
class Stay:
    number: int
    issuer: str
    subject: str
    role: str
    since: datetime
    status: str = ACTIVE
    removed_at: datetime | None = None
    deactivated_at: datetime | None = None
    known_to_provider: bool | None = None

    def view(self) -> StayAsOf:
        return StayAsOf.model_validate(self, from_attributes=True)


class Roster:
    """People are the pair (issuer, subject), compared byte for byte (S1.9)."""

    def __init__(self) -> None:
        self.stays: list[Stay] = []
        self._latest: dict[tuple[str, str], list[Stay]] = {}

    def begin(self, issuer: str, subject: str, role: str, since: datetime) -> None:
        stay = Stay(len(self.stays), issuer, subject, role, since)
        self.stays.append(stay)
        self._latest.setdefault((issuer, subject), []).append(stay)

    def of(self, told: Told) -> list[Stay]:
        """The stays of whom an event names, the last one last."""
        return self._latest[told.data["issuer"], told.data["subject"]]


def _submitted(roster: Roster, told: Told) -> None:
    for contact in told.data["contacts"]:
        roster.begin(contact["issuer"], contact["subject"], contact["role"], told.at)


def _added(roster: Roster, told: Told) -> None:
    roster.begin(told.data["issuer"], told.data["subject"], told.data["role"], told.at)


def _updated(roster: Roster, told: Told) -> None:
    roster.of(told)[-1].role = told.data["role"]


def _removed(roster: Roster, told: Told) -> None:
    stay = roster.of(told)[-1]
    stay.status, stay.removed_at = REMOVED, datetime.fromisoformat(told.data["removed_at"])


def _deactivated(roster: Roster, told: Told) -> None:
    """It names the stay by its end: the person may be back."""
    ended = datetime.fromisoformat(told.data["removed_at"])
    for stay in roster.of(told):
        if stay.removed_at == ended:
            stay.deactivated_at, stay.known_to_provider = told.at, told.data["known"]


TELLS: dict[str, Callable[[Roster, Told], None]] = {
    PartnerSubmitted.type: _submitted,
    PartnerContactAdded.type: _added,
    PartnerContactUpdated.type: _updated,
    PartnerContactRemoved.type: _removed,
    PartnerContactDeactivated.type: _deactivated,
}
