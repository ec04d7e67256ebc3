"""The copy of the checkpoints that nobody can take back: a bucket under Object Lock in compliance mode.

Invariant: one object for each size, written once (`If-None-Match`), its key in the order of sizes. A delete only hides
an object behind a marker, so reading asks for versions: what was published once is found again.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from services.audit.settings import AuditSettings

PREFIX = "checkpoints/"
NEWEST = 8
_CONFIG = Config(
    signature_version="s3v4",
    s3={"addressing_style": "path"},
    retries={"total_max_attempts": 2},
    connect_timeout=2,
    read_timeout=5,
    proxies={},
)


class ForkedError(Exception):
    """Another checkpoint of the same size was published: two histories exist."""


class Bucket:
    """Blocking; the service calls it in a thread."""

    def __init__(self, settings: AuditSettings) -> None:
        self._name = settings.checkpoint_bucket
        self._kept = timedelta(days=settings.checkpoint_retention_days)
        self._s3: Any = boto3.client(
            "s3",
            endpoint_url=settings.s3_endpoint,
            region_name=settings.s3_region,
            aws_access_key_id=settings.s3_access_key,
            aws_secret_access_key=settings.s3_secret_key.get_secret_value(),
            config=_CONFIG,
        )

    def put(self, size: int, note: str) -> None:
        """Write the checkpoint of this size; raises ForkedError when a different one is there."""
        try:
            self._s3.put_object(
                Bucket=self._name,
                Key=key_of(size),
                Body=note.encode(),
                ContentType="text/plain; charset=utf-8",
                IfNoneMatch="*",
                ObjectLockMode="COMPLIANCE",
                ObjectLockRetainUntilDate=datetime.now(UTC) + self._kept,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
            if self._read(Key=key_of(size)) != note:
                raise ForkedError(f"another checkpoint of size {size} was published before") from error

    def newest(self, near: int) -> list[str]:
        """The last few notes published, oldest first; `near` is a size to start looking at."""
        reach = 64
        versions = self._last_versions(max(0, near - reach))
        while not versions and reach < near:
            reach *= 16
            versions = self._last_versions(max(0, near - reach))
        return [self._read(Key=found["Key"], VersionId=found["VersionId"]) for found in versions]

    def _last_versions(self, after: int) -> list[dict[str, str]]:
        """Versions of the objects for sizes above `after`, in the order of sizes."""
        last: list[dict[str, str]] = []
        where = {"KeyMarker": key_of(after)}
        while True:
            page = self._s3.list_object_versions(Bucket=self._name, Prefix=PREFIX, **where)
            last = [*last, *page.get("Versions", ())][-NEWEST:]
            if not page["IsTruncated"]:
                return last
            where = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}

    def _read(self, **which: str) -> str:
        body: bytes = self._s3.get_object(Bucket=self._name, **which)["Body"].read()
        return body.decode("utf-8", "replace")


def key_of(size: int) -> str:
    return f"{PREFIX}{size:020}"
