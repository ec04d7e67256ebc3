"""The whole way over HTTP: a gateway and the owners behind it, as processes of their own."""

import hashlib
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.local.stack import Stack
from tests.support import ServiceProcess, together, token
from tests.support.web import NO_TLS

BODY = b"%PDF-1.4 a document"


class Api:
    """A client of the gateway; every call has its own Idempotency-Key unless one is given."""

    def __init__(self, stack: Stack, gateway: ServiceProcess, owners: dict[str, ServiceProcess]) -> None:
        self.stack, self.gateway, self.owners = stack, gateway, owners
        self.http = httpx.Client(base_url=gateway.url, timeout=30, trust_env=False, verify=NO_TLS)

    def token(self, subject: str, *roles: str) -> str:
        return token(self.stack, subject, roles)

    def call(self, method: str, path: str, bearer: str | None = None, **sent: Any) -> httpx.Response:
        headers = {"Idempotency-Key": uuid4().hex, **sent.pop("headers", {})}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        return self.http.request(method, path, headers={k: v for k, v in headers.items() if v is not None}, **sent)

    def upload(self, bearer: str, kind: str, partner_id: str | None = None) -> dict[str, Any]:
        wanted = {
            "kind": kind,
            "content_type": "application/pdf",
            "size": len(BODY),
            "sha256": hashlib.sha256(BODY).hexdigest(),
        }
        answer = self.call(
            "POST", "/api/v1/uploads", bearer, json=wanted | ({"partner_id": partner_id} if partner_id else {})
        )
        assert answer.status_code == 201, answer.text
        upload: dict[str, Any] = answer.json()
        httpx.put(
            upload["upload_url"], content=BODY, headers=upload["headers"], trust_env=False, verify=NO_TLS
        ).raise_for_status()
        return upload

    def application(self, subject: str, bearer: str) -> dict[str, Any]:
        """The body of an application that would be taken in, its documents stored."""
        kyb = self.upload(bearer, "kyb")
        licensing = self.upload(bearer, "licensing", kyb["partner_id"])
        return {
            "name": "Acme",
            "legal_name": "Acme Ltd",
            "kyb_object_key": kyb["object_key"],
            "licensing_object_key": licensing["object_key"],
            "contacts": [contact(subject)],
        }


def contact(subject: str) -> dict[str, Any]:
    return {
        "name": "Ada Lovelace",
        "email": "ada@acme.example",
        "phone": "+44 20 7946 0958",
        "role": "Director",
        "subject": subject,
    }


@pytest.fixture(scope="package")
def api(stack: Stack) -> Iterator[Api]:
    owners = {name: ServiceProcess(stack, name) for name in ("partners", "staffing")}
    gateway = ServiceProcess(stack, "gateway")
    with together(gateway, *owners.values()):
        yield Api(stack, gateway, owners)


@pytest.fixture(scope="package")
def audit(stack: Stack) -> Iterator[ServiceProcess]:
    """The log, and the third owner: without it nobody can say that an operation or an export is not there."""
    with ServiceProcess(stack, "audit") as process:
        yield process
