"""Erasure: a person's data goes, and the key of what the log says of them, so that every proof still holds.

Only who is not active anywhere is erased, and nobody whom a legal hold covers. What stays names nobody: ids, who did
what and when, reasons and notes, which are evidence and must not name people.
"""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.credentials import AccountFact
from contracts.legal_holds import ROOT_ADMIN
from contracts.message import Contract
from contracts.partner_events import PartnerFact
from contracts.partners import OfPartner
from contracts.roles import Role
from contracts.staff_changes import AccountCommand
from contracts.text import Name, Opaque

ERASED = "[erased]"
"""What stands where something personal stood."""

ErasureReason = Annotated[Name, Field(max_length=200)]
"""Evidence that stays for ever, so it names a request and no person."""


class EraseAccount(AccountCommand):
    """Erase a person from every tenant they were on the staff of. Erased once is erased."""

    type: ClassVar[str] = "account.erase"

    reason: ErasureReason


class EraseContact(OfPartner):
    """Erase a person who has left a partner's roster, all their stays in it; `expected_version` is If-Match's."""

    type: ClassVar[str] = "partner.erase_contact"
    roles: ClassVar[frozenset[Role]] = ROOT_ADMIN

    expected_version: int
    issuer: Opaque
    subject: Opaque
    reason: ErasureReason


class ErasedAccountView(Contract):
    account_id: UUID
    erased_at: datetime
    version: int


class AccountErased(AccountFact):
    """This person's data and key are gone; the number they had is anybody's."""

    type: ClassVar[str] = "account.erased"

    reason: str


class PartnerContactErased(PartnerFact):
    """`person_id` is whose key is gone: it stands in every text that was sealed with it."""

    type: ClassVar[str] = "partner.contact.erased"

    issuer: str
    subject: str
    person_id: UUID
    reason: str
