"""The copy of the checkpoints that nobody can take back: a bucket under Object Lock in compliance mode.

Invariant: one object for each size, written once (`If-None-Match`), its key in the order of sizes. A delete only hides
an object behind a marker, so reading asks for versions: what was published once is found again.
"""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from services.audit.settings import AuditSettings
from services.wire.objects import S3, ObjectStore

PREFIX = "checkpoints/"
NEWEST = 8
PATIENCE_SECONDS = 5.0


class ForkedError(Exception):
    """Another checkpoint of the same size was published: two histories exist."""


class Bucket:
    """Blocking; the service calls it in a thread."""

    def __init__(self, settings: AuditSettings) -> None:
        self._store = ObjectStore(settings, settings.checkpoint_bucket, PATIENCE_SECONDS)
        self._kept = timedelta(days=settings.checkpoint_retention_days)

    def put(self, size: int, note: str) -> None:
        """Write the checkpoint of this size; raises ForkedError when a different one is there, and StoreError."""
        body = note.encode()
        headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "If-None-Match": "*",
            "x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
            "x-amz-object-lock-mode": "COMPLIANCE",
            "x-amz-object-lock-retain-until-date": f"{datetime.now(UTC) + self._kept:%Y-%m-%dT%H:%M:%SZ}",
        }
        answer = self._store.call("PUT", f"/{key_of(size)}", headers, body, fine=[HTTPStatus.PRECONDITION_FAILED])
        if answer.status == HTTPStatus.PRECONDITION_FAILED and self._read(key_of(size)) != note:
            raise ForkedError(f"another checkpoint of size {size} was published before")

    def newest(self, near: int) -> list[str]:
        """The last few notes published, oldest first; `near` is a size to start looking at. Raises StoreError."""
        reach = 64
        versions = self._last_versions(max(0, near - reach))
        while not versions and reach < near:
            reach *= 16
            versions = self._last_versions(max(0, near - reach))
        return [self._read(key, version) for key, version in versions]

    def _last_versions(self, after: int) -> list[tuple[str, str]]:
        """Keys and versions of the objects for sizes above `after`, the last few, in the order of sizes."""
        last: list[tuple[str, str]] = []
        where: dict[str, str] = {"key-marker": key_of(after)}
        while True:
            page = self._store.call("GET", "?" + urlencode({"prefix": PREFIX, "versions": "", **where})).document()
            found = page.iter(f"{S3}Version")
            last = [*last, *((_text(one, "Key"), _text(one, "VersionId")) for one in found)][-NEWEST:]
            if _text(page, "IsTruncated") != "true":
                return last
            where = {
                "key-marker": _text(page, "NextKeyMarker"),
                "version-id-marker": _text(page, "NextVersionIdMarker"),
            }

    def _read(self, key: str, version: str | None = None) -> str:
        query = "?" + urlencode({"versionId": version}) if version else ""
        return self._store.call("GET", f"/{key}{query}").body.decode("utf-8", "replace")


def key_of(size: int) -> str:
    return f"{PREFIX}{size:020}"


def _text(parent: ET.Element, name: str) -> str:
    return parent.findtext(f"{S3}{name}") or ""
