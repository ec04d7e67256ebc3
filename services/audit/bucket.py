"""The copy of the checkpoints that nobody can take back: a bucket under Object Lock in compliance mode.

Invariant: one object for each size, written once (`If-None-Match`), its key in the order of sizes. A delete only hides
an object behind a marker, so reading asks for versions: what was published once is found again.
Requests are signed by botocore's signer: a boto3 client would cost the process 20 MB for two kinds of request.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from services.audit.settings import AuditSettings

PREFIX = "checkpoints/"
NEWEST = 8
_S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"
_TIMEOUT = urllib3.Timeout(connect=2, read=5)


class BucketError(Exception):
    """The store is away, or says no."""


class ForkedError(Exception):
    """Another checkpoint of the same size was published: two histories exist."""


class Bucket:
    """Blocking; the service calls it in a thread."""

    def __init__(self, settings: AuditSettings) -> None:
        self._url = f"{settings.s3_endpoint}/{settings.checkpoint_bucket}"
        self._kept = timedelta(days=settings.checkpoint_retention_days)
        credentials = Credentials(settings.s3_access_key, settings.s3_secret_key.get_secret_value())
        self._signer = S3SigV4Auth(credentials, "s3", settings.s3_region)
        self._pool = urllib3.PoolManager(timeout=_TIMEOUT, retries=False)

    def put(self, size: int, note: str) -> None:
        """Write the checkpoint of this size; raises ForkedError when a different one is there, and BucketError."""
        body = note.encode()
        headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "If-None-Match": "*",
            "x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
            "x-amz-object-lock-mode": "COMPLIANCE",
            "x-amz-object-lock-retain-until-date": f"{datetime.now(UTC) + self._kept:%Y-%m-%dT%H:%M:%SZ}",
        }
        status, _ = self._call("PUT", f"/{key_of(size)}", headers, body, fine=HTTPStatus.PRECONDITION_FAILED)
        if status == HTTPStatus.PRECONDITION_FAILED and self._read(key_of(size)) != note:
            raise ForkedError(f"another checkpoint of size {size} was published before")

    def newest(self, near: int) -> list[str]:
        """The last few notes published, oldest first; `near` is a size to start looking at. Raises BucketError."""
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
            _, answer = self._call("GET", "?" + urlencode({"prefix": PREFIX, "versions": "", **where}))
            page = ET.fromstring(answer)  # noqa: S314, our own store
            found = page.iter(f"{_S3}Version")
            last = [*last, *((_text(one, "Key"), _text(one, "VersionId")) for one in found)][-NEWEST:]
            if _text(page, "IsTruncated") != "true":
                return last
            where = {
                "key-marker": _text(page, "NextKeyMarker"),
                "version-id-marker": _text(page, "NextVersionIdMarker"),
            }

    def _read(self, key: str, version: str | None = None) -> str:
        query = "?" + urlencode({"versionId": version}) if version else ""
        return self._call("GET", f"/{key}{query}")[1].decode("utf-8", "replace")

    def _call(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"", fine: int = 0
    ) -> tuple[int, bytes]:
        """Status and body of a 2xx answer, or of one with the status that is `fine` too."""
        request = AWSRequest(method, self._url + path, headers=dict(headers or {}), data=body)
        self._signer.add_auth(request)
        try:
            answer = self._pool.request(method, str(request.url), headers=dict(request.headers.items()), body=body)
        except urllib3.exceptions.HTTPError as error:
            raise BucketError(f"{method} failed: {type(error).__name__}") from error
        if answer.status not in (HTTPStatus.OK, fine):
            raise BucketError(f"{method} was answered with {answer.status}")
        return answer.status, answer.data


def key_of(size: int) -> str:
    return f"{PREFIX}{size:020}"


def _text(parent: ET.Element, name: str) -> str:
    return parent.findtext(f"{_S3}{name}") or ""
