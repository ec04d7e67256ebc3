"""What the services rely on from S3: a presigned upload takes exactly the promised bytes, and locks hold."""

import base64
import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from deploy.local import objects
from deploy.local.stack import Stack
from deploy.local.state import CHECKPOINTS, DOCUMENTS
from tests.support.web import NO_TLS

BODY = b"%PDF-1.7 " + b"x" * 1000


def checksum(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")


PROMISED = {"content-type": "application/pdf", "x-amz-checksum-sha256": checksum(BODY)}


def presigned(stack: Stack, key: str) -> str:
    """A PUT bound to type, length and SHA-256 of BODY."""
    url: str = objects.client(stack.state).generate_presigned_url(
        "put_object",
        Params={
            "Bucket": DOCUMENTS,
            "Key": key,
            "ContentType": PROMISED["content-type"],
            "ContentLength": len(BODY),
            "ChecksumSHA256": PROMISED["x-amz-checksum-sha256"],
        },
        ExpiresIn=60,
    )
    return url


def put(url: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
    return httpx.put(url, content=body, headers=headers, trust_env=False, verify=NO_TLS)


@pytest.fixture
def key() -> str:
    return f"tests/{uuid.uuid4()}"


def versions(stack: Stack, key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        objects.client(stack.state).list_object_versions(Bucket=DOCUMENTS, Prefix=key).get("Versions", [])
    )
    return found


def test_the_promised_bytes_are_taken_and_their_checksum_can_be_read(stack: Stack, key: str) -> None:
    assert put(presigned(stack, key), BODY, PROMISED).status_code == 200

    head = objects.client(stack.state).head_object(Bucket=DOCUMENTS, Key=key, ChecksumMode="ENABLED")

    assert (head["ContentLength"], head["ContentType"]) == (len(BODY), "application/pdf")
    assert head["ChecksumSHA256"] == checksum(BODY)
    assert head["VersionId"] == versions(stack, key)[0]["VersionId"]


@pytest.mark.parametrize(
    ("body", "changed", "code"),
    [
        pytest.param(BODY[:-1] + b"y", {}, "BadDigest", id="other bytes of the same length"),
        pytest.param(BODY + b"y", {}, "SignatureDoesNotMatch", id="a longer body"),
        pytest.param(BODY[:-1], {}, "SignatureDoesNotMatch", id="a shorter body"),
        pytest.param(BODY, {"content-type": "text/html"}, "SignatureDoesNotMatch", id="another type"),
        pytest.param(
            BODY[:-1] + b"y",
            {"x-amz-checksum-sha256": checksum(BODY[:-1] + b"y")},
            "SignatureDoesNotMatch",
            id="other bytes with their own checksum",
        ),
    ],
)
def test_refused_and_not_stored(stack: Stack, key: str, body: bytes, changed: dict[str, str], code: str) -> None:
    answer = put(presigned(stack, key), body, PROMISED | changed)

    assert answer.status_code in {400, 403}
    assert f"<Code>{code}</Code>" in answer.text
    assert versions(stack, key) == []


def test_an_upload_without_the_promised_checksum_is_refused(stack: Stack, key: str) -> None:
    answer = put(presigned(stack, key), BODY, {"content-type": "application/pdf"})

    assert answer.status_code == 403
    assert versions(stack, key) == []


def test_every_version_of_a_document_is_kept(stack: Stack, key: str) -> None:
    for _ in range(2):
        put(presigned(stack, key), BODY, PROMISED)
    objects.client(stack.state).delete_object(Bucket=DOCUMENTS, Key=key)

    assert [version["Size"] for version in versions(stack, key)] == [len(BODY)] * 2


def test_a_locked_checkpoint_cannot_be_deleted_even_with_our_own_key(stack: Stack, key: str) -> None:
    s3 = objects.client(stack.state)
    until = datetime.now(UTC) + timedelta(days=1)
    lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
    version = s3.put_object(Bucket=CHECKPOINTS, Key=key, Body=BODY, **lock)["VersionId"]

    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=CHECKPOINTS, Key=key, VersionId=version, BypassGovernanceRetention=True)

    assert s3.get_object(Bucket=CHECKPOINTS, Key=key, VersionId=version)["Body"].read() == BODY


def test_an_object_is_created_once_when_two_want_to_be_first(stack: Stack, key: str) -> None:
    s3 = objects.client(stack.state)
    s3.put_object(Bucket=CHECKPOINTS, Key=key, Body=b"first", IfNoneMatch="*")

    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=CHECKPOINTS, Key=key, Body=b"second", IfNoneMatch="*")
