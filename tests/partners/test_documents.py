"""Uploads are bound to one body by the store itself, and evidence is what the store says (S1.6, S1.17, S1.18)."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
import time_machine
from pydantic import SecretStr

from contracts.partners import DocumentKind, ReserveUpload
from deploy.local.stack import Stack
from services.chassis import Call
from services.partners.dossiers.documents import DocumentStore
from services.partners.dossiers.evidence import Away, Finding, Found, Missing
from services.partners.dossiers.upload import Upload
from services.partners.settings import PartnersSettings
from tests.partners.desk import ADA, NOON
from tests.support.web import NO_TLS

pytestmark = pytest.mark.asyncio
BODY = b"%PDF-1.4 a licence"


def settings_of(stack: Stack, **changes: object) -> PartnersSettings:
    env = stack.env_of("partners")
    known = {name.removeprefix("GATEHOUSE_").lower(): value for name, value in env.items()}
    named = {"OTC_S3_BUCKET": env["OTC_S3_BUCKET"]}
    return PartnersSettings.model_validate({**known, **named, **changes})


@pytest_asyncio.fixture
async def documents(stack: Stack) -> AsyncIterator[DocumentStore]:
    store = DocumentStore(settings_of(stack))
    yield store
    await store.close()


def reserved(body: bytes = BODY) -> Upload:
    command = ReserveUpload(
        kind=DocumentKind.KYB,
        content_type="application/pdf",
        size=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
    )

    call = Call(ADA, None, uuid4(), datetime.now(UTC))  # type: ignore[arg-type]
    upload, _ = Upload.reserve(command, call, uuid4(), ())
    return upload


async def put(documents: DocumentStore, upload: Upload, body: bytes, **headers: str) -> int:
    url, given = documents.presign(upload)
    async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
        sent = {**given, "Content-Length": str(len(body)), **headers}
        return (await client.put(url, content=body, headers=sent)).status_code


async def test_the_announced_bytes_are_stored_and_found_with_size_and_version(documents: DocumentStore) -> None:
    upload = reserved()

    assert await put(documents, upload, BODY) == 200

    found = (await documents.find([upload.object_key]))[upload.object_key]
    assert isinstance(found, Found)
    assert found.size == len(BODY)
    assert found.version_id


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(BODY.replace(b"licence", b"license"), {}, id="other bytes of the same length"),
        pytest.param(BODY + b"!", {}, id="a longer body"),
        pytest.param(BODY[:-1], {}, id="a shorter body"),
        pytest.param(BODY, {"Content-Type": "text/html"}, id="another type"),
        pytest.param(BODY + b"!", {"x-amz-checksum-sha256": "x" * 44}, id="another hash"),
    ],
)
async def test_any_other_upload_is_refused_by_the_store(
    documents: DocumentStore, body: bytes, headers: dict[str, str]
) -> None:  # S1.18
    upload = reserved()

    assert 400 <= await put(documents, upload, body, **headers) < 500

    assert isinstance((await documents.find([upload.object_key]))[upload.object_key], Missing)


async def test_an_upload_url_is_good_for_its_own_key_only(documents: DocumentStore) -> None:
    mine, other = reserved(), reserved()
    url, headers = documents.presign(mine)

    async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
        answer = await client.put(url.replace(mine.object_key, other.object_key), content=BODY, headers=headers)

    assert answer.status_code == 403


async def test_an_upload_url_expires(documents: DocumentStore) -> None:
    upload = reserved()
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=16)):
        url, headers = documents.presign(upload)

    async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
        answer = await client.put(url, content=BODY, headers=headers)

    assert answer.status_code == 403


async def test_a_store_that_is_away_is_told_apart_from_a_missing_object(stack: Stack) -> None:
    store = DocumentStore(settings_of(stack, s3_endpoint="http://127.0.0.1:9"))
    try:
        finding = (await store.find(["partners/x/kyb/y"]))["partners/x/kyb/y"]
    finally:
        await store.close()

    assert isinstance(finding, Away)


async def test_wrong_credentials_are_no_proof_that_an_object_is_missing(stack: Stack) -> None:
    store = DocumentStore(settings_of(stack, s3_secret_key=SecretStr("wrong")))
    try:
        finding = (await store.find(["partners/x/kyb/y"]))["partners/x/kyb/y"]
    finally:
        await store.close()

    assert isinstance(finding, Away)


async def test_a_reserved_key_names_its_partner_and_kind() -> None:  # S1.17
    upload = replace(reserved(), created_at=NOON)

    assert upload.object_key.startswith(f"partners/{upload.partner_id}/kyb/")


async def test_one_listing_finds_both_documents_of_a_partner(
    documents: DocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = f"partners/{uuid4()}"
    keys = [f"{folder}/{kind}/20261122T050138507770Z" for kind in ("kyb", "licensing")]
    for key in keys:
        upload = reserved()
        upload.object_key = key
        assert await put(documents, upload, BODY) == 200
    absent = f"{folder}/kyb/20261122T050138507771Z"
    asked: list[str] = []
    head = DocumentStore._head  # noqa: SLF001

    async def noted(self: DocumentStore, key: str) -> Finding:
        asked.append(key)
        return await head(self, key)

    monkeypatch.setattr(DocumentStore, "_head", noted)

    found = await documents.find([*keys, absent])

    assert asked == [absent]
    assert isinstance(found[absent], Missing)
    listed = [found[key] for key in keys]
    assert all(isinstance(each, Found) and each.version_id for each in listed)


async def test_a_listed_version_is_the_one_that_a_head_shows(
    documents: DocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = reserved()
    for _ in range(2):
        assert await put(documents, upload, BODY) == 200

    by_listing = (await documents.find([upload.object_key]))[upload.object_key]
    monkeypatch.setattr(DocumentStore, "_list", lambda *_: _nothing())
    by_head = (await documents.find([upload.object_key]))[upload.object_key]

    assert isinstance(by_head, Found)
    assert isinstance(by_listing, Found)
    assert by_head.sha256 == upload.sha256
    assert (by_listing.version_id, by_listing.size) == (by_head.version_id, by_head.size)


async def _nothing() -> dict[str, Found]:
    return {}
