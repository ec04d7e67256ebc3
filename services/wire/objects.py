"""Requests to one bucket of an S3 store, signed by botocore's signer: a boto3 client would cost a process 20 MB."""

import re
from collections.abc import Collection, Iterator, Mapping
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import urllib3
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from services.wire.settings import StoreSettings

S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"
_CHUNK_BYTES = 1 << 20


class StoreError(Exception):
    """The store is away, or says no."""


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> ET.Element:
        return ET.fromstring(self.body)  # noqa: S314, our own store


class ObjectStore:
    """Blocking: a service calls it in a thread. Everything raises StoreError."""

    def __init__(
        self, settings: StoreSettings, bucket: str, patience_seconds: float, connect_seconds: float = 2.0
    ) -> None:
        self._url = f"{settings.s3_endpoint}/{bucket}"
        self._credentials = Credentials(settings.s3_access_key, settings.s3_secret_key.get_secret_value())
        self._region = settings.s3_region
        timeout = urllib3.Timeout(connect=connect_seconds, read=patience_seconds)
        self._pool = urllib3.PoolManager(timeout=timeout, retries=False)

    def call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        fine: Collection[int] = (),
    ) -> Answer:
        """A 2xx answer, or one with a status that is `fine` too; `path` begins with `/` or `?`."""
        try:
            answer = self._send(method, path, headers or {}, body)
        except urllib3.exceptions.HTTPError as error:
            raise StoreError(f"{method} failed: {type(error).__name__}") from error
        if answer.status // 100 != 2 and answer.status not in fine:
            raise StoreError(f"{method} was answered with {answer.status} {_code(answer.data)}".rstrip())
        return Answer(answer.status, answer.headers, answer.data)

    def read(self, path: str) -> Iterator[bytes]:
        """The body of an object, piece by piece."""
        try:
            answer = self._send("GET", path, {}, b"", preload_content=False)
            if answer.status != HTTPStatus.OK:
                raise StoreError(f"GET was answered with {answer.status}")
            yield from answer.stream(_CHUNK_BYTES)
        except urllib3.exceptions.HTTPError as error:
            raise StoreError(f"GET failed: {type(error).__name__}") from error

    def link(self, path: str, seconds: int, **answer_headers: str) -> str:
        """Whoever has it may GET the object for so long; S3 answers with these headers, `content_type` and such."""
        query = urlencode({f"response-{name.replace('_', '-')}": value for name, value in answer_headers.items()})
        request = AWSRequest("GET", f"{self._url}{path}?{query}" if query else self._url + path)
        S3SigV4QueryAuth(self._credentials, "s3", self._region, expires=seconds).add_auth(request)
        return str(request.url)

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, *, preload_content: bool = True
    ) -> urllib3.BaseHTTPResponse:
        request = AWSRequest(method, self._url + path, headers=dict(headers), data=body)
        S3SigV4Auth(self._credentials, "s3", self._region).add_auth(request)
        return self._pool.request(
            method,
            str(request.url),
            headers=dict(request.headers.items()),
            body=body,
            preload_content=preload_content,
        )


def _code(body: bytes) -> str:
    """S3's own word for what is wrong."""
    found = re.search(rb"<Code>(\w+)</Code>", body)
    return found[1].decode() if found else ""
