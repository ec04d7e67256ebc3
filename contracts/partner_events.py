"""What the partners service tells of applications, dossiers and rosters."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from contracts.message import CommandRefused, Contract, EventData
from contracts.partners import DocumentFact, PartnerState, SubjectFact
from contracts.personal import SealedText


class UploadReserved(EventData):
    type: ClassVar[str] = "upload.reserved"

    partner_id: UUID
    kind: str
    object_key: str
    content_type: str
    size: int
    sha256: str


class PartnerFact(EventData):
    """Kept whole: timelines and proofs are made of these."""

    kept: ClassVar[bool] = True


class Reachable(Contract):
    """Who somebody is to those who may know, sealed."""

    name: SealedText
    email: SealedText
    phone: SealedText


class SealedContact(SubjectFact, Reachable):
    """One person of an application's roster."""


class PartnerSubmitted(PartnerFact):
    """An application was taken in."""

    type: ClassVar[str] = "partner.submitted"
    version: ClassVar[int] = 2

    name: str
    legal_name: str
    state: PartnerState
    dossier_version: int
    documents: tuple[DocumentFact, ...]
    contacts: tuple[SealedContact, ...]


class PartnerDossierFiled(PartnerFact):
    """A version of the dossier was filed; `previous_state` differs where filing moved the case on (K3, K8, K22)."""

    type: ClassVar[str] = "partner.dossier_filed"

    dossier_version: int
    documents: tuple[DocumentFact, ...]
    contacts: tuple[SubjectFact, ...]
    previous_state: PartnerState
    state: PartnerState
    rereview_due_at: datetime | None


class ContactFact(PartnerFact, SubjectFact):
    """One person of the roster."""


class PartnerContactAdded(ContactFact, Reachable):
    type: ClassVar[str] = "partner.contact.added"
    version: ClassVar[int] = 2


class PartnerContactUpdated(ContactFact, Reachable):
    """What is known of somebody is other; `previous_…` is what it was."""

    type: ClassVar[str] = "partner.contact.updated"
    version: ClassVar[int] = 2

    previous_role: str
    previous_name: SealedText
    previous_email: SealedText
    previous_phone: SealedText


class PartnerContactRemoved(ContactFact, Reachable):
    """This person may act no more; the identity provider is to be told (S1.43)."""

    type: ClassVar[str] = "partner.contact.removed"
    version: ClassVar[int] = 2

    removed_at: datetime


class PartnerContactDeactivated(ContactFact):
    """The identity provider has deactivated a removed contact, or does not know the person (`known` is false)."""

    type: ClassVar[str] = "partner.contact.deactivated"

    removed_at: datetime
    known: bool


class RootAdminsChanged(EventData):
    """Who may decide: subjects added to and taken off the allowlist (S1.19)."""

    type: ClassVar[str] = "root_admins.changed"

    added: tuple[str, ...]
    removed: tuple[str, ...]


class PartnerCommandRefused(CommandRefused):
    type: ClassVar[str] = "partner.refused"
