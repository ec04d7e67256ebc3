"""What the document store holds under a key: one signed HEAD, on kept connections, both of a dossier at once."""

import asyncio
import base64
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

import aiohttp
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.benchmarks.monolith.settings import Settings

OK = 200


@dataclass(frozen=True, slots=True)
class Stored:
    """One object as the store describes it; `sha256` in hex."""

    size: int
    sha256: str
    version_id: str
    stored_at: datetime


class Documents:
    def __init__(self, settings: Settings) -> None:
        self._url = settings.s3_url
        credentials = Credentials(settings.s3_access_key, settings.s3_secret_key.get_secret_value())
        self._signer = S3SigV4Auth(credentials, "s3", "us-east-1")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=32), timeout=aiohttp.ClientTimeout(total=30)
        )

    async def close(self) -> None:
        await self._session.close()

    async def find(self, *keys: str) -> list[Stored | None]:
        """What is there under each key, in order; None where nothing is."""
        return await asyncio.gather(*map(self._head, keys))

    async def _head(self, key: str) -> Stored | None:
        request = AWSRequest("HEAD", f"{self._url}/{key}", headers={"x-amz-checksum-mode": "ENABLED"})
        self._signer.add_auth(request)
        async with self._session.head(f"{self._url}/{key}", headers=dict(request.headers)) as response:
            if response.status != OK:
                return None
            headers = response.headers
            return Stored(
                int(headers["Content-Length"]),
                base64.b64decode(headers["x-amz-checksum-sha256"]).hex(),
                headers["x-amz-version-id"],
                parsedate_to_datetime(headers["Last-Modified"]),
            )
