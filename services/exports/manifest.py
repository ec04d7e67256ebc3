"""What an export says of itself: one canonical JSON document (RFC 8785) as the text of a signed note."""

from datetime import datetime
from uuid import UUID

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.exports.dataset import Column, Kind
from services.exports.formats import Format
from services.exports.settings import ExportSettings
from services.wire.actor import private_key
from services.wire.note import NoteRefusedError, Signer, Verifier, split_note


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ManifestColumn(_Document):
    name: str
    kind: Kind


class Range(_Document):
    """Of the dataset's time column: from this moment on, up to but without that one."""

    start: datetime | None = Field(alias="from")
    end: datetime | None = Field(alias="to")


class Manifest(_Document):
    """Enough to read the file, and to say whether it is the one that was written."""

    service: str
    export_id: UUID
    dataset: str
    source: str
    format: Format
    columns: tuple[ManifestColumn, ...]
    range: Range
    taken_at: datetime
    bound: int | None
    rows: int
    size: int
    sha256: str
    writer: str

    def text(self) -> str:
        return rfc8785.dumps(self.model_dump(mode="json", by_alias=True)).decode() + "\n"

    def described(self) -> tuple[Column, ...]:
        return tuple(Column(column.name, column.kind) for column in self.columns)


def opened(note: str, verifier: Verifier | None) -> Manifest:
    """Without a verifier the signature is not looked at. Raises NoteRefusedError."""
    text = verifier.open(note) if verifier else split_note(note)[0]
    try:
        found = Manifest.model_validate_json(text)
    except ValidationError as error:
        raise NoteRefusedError("the text is no manifest of an export") from error
    if found.text() != text:
        raise NoteRefusedError("the manifest is not in its canonical form")
    return found


def signer_of(settings: ExportSettings) -> Signer:
    """Raises ValueError where the service has no key."""
    key = settings.service_signing_key.get_secret_value()
    return Signer(f"{settings.export_origin}/exports/{settings.service}", private_key(key))
