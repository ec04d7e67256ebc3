"""A reserved upload: one object key, one subject, one exact body (S1.17, S1.18)."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.message import Target
from contracts.partner_events import UploadReserved
from contracts.partners import ReserveUpload
from services.chassis import Aggregate, Call, Fact

LIFETIME = timedelta(minutes=15)


@dataclass(kw_only=True, slots=True)
class Upload(Aggregate):
    kind: ClassVar[str] = "upload"

    object_key: str
    partner_id: UUID
    document: str
    content_type: str
    size: int
    sha256: str
    issuer: str
    subject: str
    created_at: datetime
    expires_at: datetime

    @classmethod
    def reserve(
        cls, command: ReserveUpload, call: Call, partner_id: UUID, taken: Container[str]
    ) -> tuple["Upload", Fact]:
        """Reserve a key no other upload has; within one batch all calls share their moment, so it is moved on."""
        stamp = call.now
        while (key := object_key(partner_id, command.kind, stamp)) in taken:
            stamp += timedelta(microseconds=1)
        upload = cls(
            id=uuid7(),
            object_key=key,
            partner_id=partner_id,
            document=command.kind.value,
            content_type=command.content_type,
            size=command.size,
            sha256=command.sha256,
            issuer=call.actor.issuer,
            subject=call.actor.subject,
            created_at=call.now,
            expires_at=call.now + LIFETIME,
        )
        return upload, upload.record(upload._reserved(), Target(type="partner", id=str(partner_id)))

    def _reserved(self) -> UploadReserved:
        return UploadReserved(
            partner_id=self.partner_id,
            kind=self.document,
            object_key=self.object_key,
            content_type=self.content_type,
            size=self.size,
            sha256=self.sha256,
        )


def object_key(partner_id: UUID, kind: str, moment: datetime) -> str:
    return f"partners/{partner_id}/{kind}/{moment:%Y%m%dT%H%M%S%fZ}"
