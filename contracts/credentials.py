"""Credentials belong to the person: activation by one-time code, sessions, refresh, and the events of an identity.

Passwords, codes and tokens travel sealed (`services.wire.sealing`), never in the clear.
"""

import hashlib
import unicodedata
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.message import Command, Contract, EventData
from contracts.personal import SealedText
from contracts.staffing import CREDENTIALS, RawPhone, Region, Sealed, Secret


class Purpose(StrEnum):
    """What a sealed text is for; it opens for nothing else."""

    CODE = "code"
    PASSWORD = "password"
    SESSION = "session"
    CONTEXT = "context"


class CredentialCommand(Command):
    """About the person who holds a phone. `region` gives a national spelling its country code."""

    topic: ClassVar[str] = CREDENTIALS
    refused_as: ClassVar[str] = "staff.refused"

    phone: RawPhone
    region: Region | None = None

    def key(self) -> str:
        return phone_hash(self.phone)


def phone_hash(phone: str) -> str:
    """A partition key that puts no number in a header; order between spellings is kept by the database."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", phone) if c.isdigit())
    return hashlib.sha256(plain.encode()).hexdigest()


class RequestActivation(CredentialCommand):
    """Ask for a one-time code; the answer is the same whether or not the phone is known (P9)."""

    type: ClassVar[str] = "activation.request"


class VerifyActivation(CredentialCommand):
    """Prove possession of the phone and choose a password; both secrets travel sealed."""

    type: ClassVar[str] = "activation.verify"

    sealed_code: Sealed
    sealed_password: Sealed


class OpenSession(CredentialCommand):
    """Log in; the reply is a `SealedSession`."""

    type: ClassVar[str] = "session.open"

    sealed_password: Sealed


class SessionCommand(Command):
    topic: ClassVar[str] = CREDENTIALS
    refused_as: ClassVar[str] = "staff.refused"


class RefreshSession(SessionCommand):
    """Exchange a refresh token for the next one; used twice, it ends its session. The reply is a `SealedSession`.

    The token has 256 random bits, so its hash tells nothing.
    """

    type: ClassVar[str] = "session.refresh"

    refresh_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

    def key(self) -> str:
        return self.refresh_sha256


class CloseSession(SessionCommand):
    """Log out: the session of the caller's token ends."""

    type: ClassVar[str] = "session.close"

    def key(self) -> str:
        return ""


class Verification(Contract):
    """The HTTP body that becomes `VerifyActivation`."""

    phone: RawPhone
    region: Region | None = None
    code: Secret
    password: Secret


class Login(Contract):
    """The HTTP body that becomes `OpenSession`."""

    phone: RawPhone
    region: Region | None = None
    password: Secret


class Refresh(Contract):
    """The HTTP body that becomes `RefreshSession`."""

    refresh_token: Secret


class SealedSession(Contract):
    """A `Session` that only the gateway can open."""

    sealed: str


class Session(Contract):
    """`expires_in` counts the seconds of the access token."""

    access_token: str
    refresh_token: str
    expires_in: int


class AccountFact(EventData):
    account_id: UUID


class IdentityProvisioned(AccountFact):
    """A person unknown before: no password yet, so nobody can log in as them (S2.28)."""

    type: ClassVar[str] = "identity.provisioned"
    version: ClassVar[int] = 2

    phone: SealedText


class IdentityActivationRequested(AccountFact):
    """A one-time code is due by SMS; the code is in no event."""

    type: ClassVar[str] = "identity.activation_requested"

    challenge_id: UUID


class ActivationUnanswered(EventData):
    """A code was asked for a telephone of nobody who could use one; whoever asked heard what everybody hears (P9).

    `challenge_id` is that of the code that was not sent; None where it was no telephone at all.
    """

    type: ClassVar[str] = "activation.unanswered"

    challenge_id: UUID | None


class IdentityNoticeRequested(AccountFact):
    """A person who can log in already is told by SMS that a tenant added them."""

    type: ClassVar[str] = "identity.notice_requested"

    notification_id: UUID


class IdentityActivated(AccountFact):
    """The person chose a password; `recovered` when there was one before."""

    type: ClassVar[str] = "identity.activated"

    recovered: bool


class SessionOpened(AccountFact):
    type: ClassVar[str] = "session.opened"

    session_id: UUID


class SessionEnd(StrEnum):
    """Why a session is over."""

    CLOSED = "closed"
    REUSED = "reused"
    RECOVERED = "recovered"


class SessionRefreshed(AccountFact):
    type: ClassVar[str] = "session.refreshed"

    session_id: UUID


class SessionEnded(AccountFact):
    """`session_id` is None where all of a person's sessions ended; that of a revocation is `membership.revoked`."""

    type: ClassVar[str] = "session.ended"

    session_id: UUID | None
    reason: SessionEnd


class AccountDisabled(AccountFact):
    """Every session of this person is over, in all tenants."""

    type: ClassVar[str] = "account.disabled"

    reason: str


class AccountEnabled(AccountFact):
    type: ClassVar[str] = "account.enabled"
