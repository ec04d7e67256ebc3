"""Many small objects into the document store, quickly: signed PUTs over a few keep-alive connections."""

import asyncio
import base64
import hashlib
from dataclasses import dataclass

import uvloop
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.benchmarks.client import Connection, connect, post

DOCUMENT = b"%PDF-1.7\n" + b"x" * 1015
SHA256 = hashlib.sha256(DOCUMENT).hexdigest()
CONTENT_TYPE = "application/pdf"
CONNECTIONS = 16
OK = 200


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where to put, and with which key."""

    port: int
    name: str
    access_key: str
    secret_key: str


class _Puts:
    """Every connection takes the next key until none is left."""

    def __init__(self, bucket: Bucket, keys: list[str]) -> None:
        self._bucket, self._keys = bucket, keys
        self._signer = S3SigV4Auth(Credentials(bucket.access_key, bucket.secret_key), "s3", "us-east-1")
        self._open = len(keys)

    async def run(self) -> None:
        self._done = asyncio.get_running_loop().create_future()
        for connection in await connect(self._bucket.port, min(CONNECTIONS, len(self._keys)), self._answered):
            self._put(connection)
        await self._done

    def _put(self, connection: Connection) -> None:
        if self._keys:
            connection.send(self._signed(self._keys.pop()))

    def _signed(self, key: str) -> bytes:
        path, host = f"/{self._bucket.name}/{key}", f"127.0.0.1:{self._bucket.port}"
        checksum = base64.b64encode(bytes.fromhex(SHA256)).decode()
        headers = {"Host": host, "Content-Type": CONTENT_TYPE, "x-amz-checksum-sha256": checksum}
        request = AWSRequest("PUT", f"http://{host}{path}", headers=headers, data=DOCUMENT)
        self._signer.add_auth(request)
        return post(path, dict(request.headers), DOCUMENT, "PUT")

    def _answered(self, connection: Connection, status: int, body: bytes) -> None:
        self._open -= 1
        if status != OK and not self._done.done():
            self._done.set_exception(RuntimeError(f"the document store answered {status}: {body[:300]!r}"))
        elif not self._open:
            self._done.set_result(None)
        self._put(connection)


def put(bucket: Bucket, keys: list[str]) -> None:
    """Store DOCUMENT under each key; raises RuntimeError unless every PUT succeeds."""
    if keys:
        uvloop.run(_Puts(bucket, list(keys)).run())
