"""A receipt in the real store: one HEAD, however many lie beside it, and the hash that the store itself computed."""

import hashlib
from uuid import uuid4

import httpx
import pytest
from uuid_utils.compat import uuid7

from contracts.message import Context
from contracts.partners import DocumentKind, ReserveUpload
from deploy.local.stack import Stack
from services.chassis import Call
from services.partners.dossiers.documents import DocumentStore
from services.partners.dossiers.evidence import Found, Missing
from services.partners.dossiers.upload import Upload
from tests.partners.desk import ADA, NOON
from tests.partners.test_documents import settings_of
from tests.support.web import NO_TLS

pytestmark = pytest.mark.asyncio
BODY = b"%PDF-1.4 a wire transfer"


def reserved(kind: DocumentKind) -> Upload:
    digest = hashlib.sha256(BODY).hexdigest()
    command = ReserveUpload(kind=kind, content_type="application/pdf", size=len(BODY), sha256=digest)
    call = Call(ADA, Context(request_id="r", command_id=uuid4()), uuid4(), NOON)
    upload, _ = Upload.reserve(command, call, uuid7(), ())
    return upload


async def test_a_receipt_is_found_with_the_hash_that_the_store_computed(stack: Stack) -> None:
    store = DocumentStore(settings_of(stack))
    receipt, licence = reserved(DocumentKind.RECEIPT), reserved(DocumentKind.LICENSING)
    try:
        async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
            for upload in (receipt, licence):
                url, headers = store.presign(upload)
                (await client.put(url, content=BODY, headers=headers)).raise_for_status()

        found = await store.find([receipt.object_key, licence.object_key, f"{receipt.object_key}0"])
    finally:
        await store.close()

    found_receipt, found_licence = found[receipt.object_key], found[licence.object_key]
    assert isinstance(found_receipt, Found)
    assert (found_receipt.size, found_receipt.sha256) == (len(BODY), receipt.sha256)
    assert isinstance(found_licence, Found)
    assert found_licence.sha256 is None, "a listing carries no hash; the announced one is taken"
    assert isinstance(found[f"{receipt.object_key}0"], Missing)
