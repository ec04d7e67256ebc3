"""A file on its way into the bucket, in parts of 8 MiB that are sent once, whoever is killed in between.

Invariant: at its key there is the whole file or none, and once it is there, no upload is left open.
"""

import hashlib
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from services.exports.files import give_up
from services.exports.points import ExportPoint
from services.exports.records import Part, Records
from services.wire.crash import reach
from services.wire.objects import S3, ObjectStore, StoreError

PART_BYTES = 8 << 20


class UploadLostError(Exception):
    """What the bucket has can't be gone on with: begin again."""


class Upload:
    """`begin` or `resume`, `send` all parts in their order, `complete`; StoreError or UploadLostError by each."""

    def __init__(self, store: ObjectStore, key: str, content_type: str, records: Records) -> None:
        self._store, self._key, self._content_type, self._records = store, key, content_type, records
        self._id = ""
        self._known: dict[int, Part] = {}
        self._sent: list[Part] = []

    def begin(self, writer: str) -> None:
        """With nothing sent; earlier uploads of this file are given up."""
        give_up(self._store, self._key)
        answer = self._store.call("POST", f"/{self._key}?uploads=", {"Content-Type": self._content_type})
        self._id = answer.document().findtext(f"{S3}UploadId") or ""
        reach(ExportPoint.UPLOAD_BEGUN)
        self._records.begin(self._id, writer)
        self._known, self._sent = {}, []
        reach(ExportPoint.UPLOAD_NOTED)

    def resume(self, upload_id: str) -> None:
        self._id, self._known, self._sent = upload_id, self._records.parts(), []

    def send(self, body: bytes) -> None:
        number, sha256 = len(self._sent) + 1, hashlib.sha256(body).hexdigest()
        known = self._known.get(number)
        if known is None:
            known = self._put(number, sha256, body)
        elif known.sha256 != sha256:
            raise UploadLostError(f"part {number} was another one when it was sent")
        self._sent.append(known)

    def complete(self, sha256: str) -> None:
        """`sha256` is that of the whole file, to know it by if it has been completed before."""
        reach(ExportPoint.BEFORE_COMPLETE)
        answer = self._store.call("POST", self._path(uploadId=self._id), body=self._list(), fine=[HTTPStatus.NOT_FOUND])
        # S3 may think better of it after it has said 200
        if answer.status == HTTPStatus.NOT_FOUND or not answer.document().tag.endswith("CompleteMultipartUploadResult"):
            self._expect(sha256)
        reach(ExportPoint.AFTER_COMPLETE)

    def _put(self, number: int, sha256: str, body: bytes) -> Part:
        path = self._path(partNumber=number, uploadId=self._id)
        answer = self._store.call("PUT", path, body=body, fine=[HTTPStatus.NOT_FOUND])
        if answer.status == HTTPStatus.NOT_FOUND:
            raise UploadLostError("the bucket does not know the upload")
        reach(ExportPoint.PART_SENT, [str(number)])
        part = Part(number, sha256, answer.headers["ETag"])
        self._records.add(part, len(body))
        reach(ExportPoint.PART_NOTED, [str(number)])
        return part

    def _expect(self, sha256: str) -> None:
        found = hashlib.sha256()
        try:
            for piece in self._store.read(f"/{self._key}"):
                found.update(piece)
        except StoreError as error:
            raise UploadLostError("there is neither the upload nor the file") from error
        if found.hexdigest() != sha256:
            raise UploadLostError("another file is there")

    def _list(self) -> bytes:
        document = ET.Element("CompleteMultipartUpload")
        for part in self._sent:
            entry = ET.SubElement(document, "Part")
            ET.SubElement(entry, "PartNumber").text = str(part.number)
            ET.SubElement(entry, "ETag").text = part.etag
        return ET.tostring(document)

    def _path(self, **query: str | int) -> str:
        return f"/{self._key}?{urlencode(query)}"


def in_parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in bodies of a part each, the last one as short as it is; of nothing, one that is empty."""
    held = bytearray()
    sent = False
    for piece in pieces:
        held += piece
        while len(held) >= PART_BYTES:
            yield _cut(held)
            sent = True
    if held or not sent:
        yield bytes(held)


def _cut(held: bytearray) -> bytes:
    """A part from the front of what is held; the caller keeps no other reference to so large a thing."""
    with memoryview(held) as view:
        body = bytes(view[:PART_BYTES])
    del held[:PART_BYTES]
    return body
