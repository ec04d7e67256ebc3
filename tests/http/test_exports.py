"""A9 over HTTP: who may have a file of a dataset, how it is asked for, and how long it may be had."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from contracts.roles import Role
from deploy.local.stack import Stack
from services.exports.files import LINK_LIFETIME
from services.exports.manifest import opened
from services.wire.actor import private_key
from services.wire.note import Signer
from tests.http.conftest import Api
from tests.support import ServiceProcess, Tables, eventually_true
from tests.support.export_cases import NO_EXPORT_JOBS, an_export
from tests.support.web import NO_TLS

EXPORTS = "/api/v1/exports"
NO_ROWS = {"GATEHOUSE_EXPORT_MAX_ROWS": "0"}


@pytest.fixture
def auditor(api: Api, audit: ServiceProcess) -> str:
    return api.token("anna", Role.AUDITOR)


def asked(api: Api, bearer: str, **wanted: Any) -> httpx.Response:
    return api.call("POST", EXPORTS, bearer, json=wanted)


def ready(api: Api, bearer: str, location: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        export: dict[str, Any] = api.call("GET", location, bearer).json()
        assert export["state"] != "FAILED", export
        return export if export["state"] == "READY" else None

    export = eventually_true(found, "the file is made", 120)
    assert export is not None
    return export


@pytest.mark.parametrize(
    ("owner", "dataset", "file_format"),
    [("partners", "approvals", "csv"), ("staffing", "memberships", "jsonl"), ("audit", "events", "parquet")],
)
def test_an_auditor_asks_waits_and_downloads_what_the_manifest_signs_for(
    api: Api, stack: Stack, auditor: str, owner: str, dataset: str, file_format: str
) -> None:
    answer = asked(api, auditor, dataset=dataset, format=file_format)

    assert answer.status_code == 202, answer.text
    export = ready(api, auditor, answer.headers["Location"])
    redirected = api.call("GET", f"{answer.headers['Location']}/file", auditor)
    body = httpx.get(redirected.headers["Location"], trust_env=False, verify=NO_TLS).content

    assert redirected.status_code == 302
    assert hashlib.sha256(body).hexdigest() == export["sha256"]
    assert len(body) == export["size"]
    assert httpx.get(export["link"], trust_env=False, verify=NO_TLS).content == body
    key = private_key(stack.env_of(owner)["GATEHOUSE_SERVICE_SIGNING_KEY"])
    manifest = opened(export["manifest"], Signer(f"gatehouse/exports/{owner}", key).verifier)
    assert (manifest.sha256, manifest.rows, str(manifest.export_id)) == (export["sha256"], export["rows"], export["id"])


def test_a_link_is_good_for_five_minutes_and_not_without_its_signature(api: Api, auditor: str) -> None:
    export = ready(api, auditor, asked(api, auditor, dataset="roles", format="csv").headers["Location"])

    expires_at = datetime.fromisoformat(export["link_expires_at"])
    query = parse_qs(urlsplit(export["link"]).query)
    bare = export["link"].partition("?")[0]
    stretched = export["link"].replace("X-Amz-Expires=300", "X-Amz-Expires=3000")

    assert query["X-Amz-Expires"] == [str(int(LINK_LIFETIME.total_seconds()))]
    assert timedelta() < expires_at - datetime.now(UTC) <= LINK_LIFETIME
    assert stretched != export["link"]
    assert [httpx.get(link, trust_env=False, verify=NO_TLS).status_code for link in (bare, stretched)] == [403, 403]


def test_the_same_key_is_the_same_export(api: Api, auditor: str) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    wanted = {"dataset": "branches", "format": "jsonl"}

    first, again = (api.call("POST", EXPORTS, auditor, json=wanted, headers=key) for _ in range(2))

    assert first.json()["id"] == again.json()["id"]
    without = api.call("POST", EXPORTS, auditor, json=wanted, headers={"Idempotency-Key": None})
    assert without.json()["code"] == "IDEMPOTENCY_KEY_REQUIRED"


@pytest.mark.parametrize("role", [*Role, ""])
def test_only_auditors_and_root_admins_may(api: Api, audit: ServiceProcess, role: str) -> None:
    bearer = api.token("somebody", *([role] if role else []))
    may = role in {Role.AUDITOR, Role.ROOT_ADMIN}

    answers = [
        asked(api, bearer, dataset="roles", format="csv"),
        api.call("GET", f"{EXPORTS}/{uuid4()}", bearer),
        api.call("GET", f"{EXPORTS}/{uuid4()}/file", bearer),
    ]

    assert [answer.status_code for answer in answers] == ([202, 404, 404] if may else [403] * 3)
    if not may:
        assert {answer.json()["code"] for answer in answers} == {"ROLE_REQUIRED"}


def test_nobody_without_a_token(api: Api) -> None:
    answers = [api.call("POST", EXPORTS, json={}), api.call("GET", f"{EXPORTS}/{uuid4()}/file")]

    assert [answer.json()["code"] for answer in answers] == ["AUTH_REQUIRED", "AUTH_REQUIRED"]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"dataset": "passwords", "format": "csv"}, "VALIDATION_FAILED"),
        ({"dataset": "events", "format": "xlsx"}, "VALIDATION_FAILED"),
        ({"dataset": "events", "format": "csv", "from": "yesterday"}, "VALIDATION_FAILED"),
        ({"dataset": "events", "format": "csv", "scheduled_for": "2026-11-01T00:00:00Z"}, "VALIDATION_FAILED"),
        (
            {"dataset": "events", "format": "csv", "from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"},
            "AUDIT_RANGE_INVALID",
        ),
        ({"dataset": "roles", "format": "csv", "from": "2026-11-02T00:00:00Z"}, "AUDIT_RANGE_INVALID"),
    ],
)
def test_what_cannot_be_made_is_refused(api: Api, auditor: str, wanted: dict[str, str], code: str) -> None:
    answer = asked(api, auditor, **wanted)

    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_more_rows_than_the_service_makes_files_of_are_too_many(api: Api, stack: Stack, audit: ServiceProcess) -> None:
    """None at all may be asked for here, so one is too many, and a time without any is not."""
    bearer, wanted = api.token("anna", Role.AUDITOR), {"dataset": "events", "format": "csv"}
    eventually_true(lambda: Tables(stack, "audit").value("SELECT count(*) FROM events"), "the log has events")
    audit.stop()
    try:
        with ServiceProcess(stack, "audit", env=NO_ROWS | NO_EXPORT_JOBS):
            refused = asked(api, bearer, **wanted)
            fine = asked(api, bearer, **wanted, to="2020-01-01T00:00:00Z")
    finally:
        audit.start()

    assert (refused.status_code, refused.json()["code"]) == (422, "EXPORT_TOO_LARGE")
    assert fine.status_code == 202


@pytest.mark.parametrize(
    ("state", "made", "code"),
    [
        ("REQUESTED", False, "EXPORT_NOT_READY"),
        ("READY", True, "EXPORT_EXPIRED"),
    ],
)
def test_there_is_no_file_before_it_is_made_nor_after_its_time(
    api: Api, stack: Stack, auditor: str, *, state: str, made: bool, code: str
) -> None:
    export_id = an_export(Tables(stack, "staffing"), "roles", state, made=made, due=False)

    answer = api.call("GET", f"{EXPORTS}/{export_id}/file", auditor)
    shown = api.call("GET", f"{EXPORTS}/{export_id}", auditor).json()

    assert answer.json()["code"] == code
    assert answer.status_code == (410 if made else 409)
    assert (shown["state"], shown["link"]) == ("EXPIRED" if made else "REQUESTED", None)


def test_an_export_that_failed_says_so(api: Api, stack: Stack, auditor: str) -> None:
    export_id = an_export(Tables(stack, "partners"), "approvals", "FAILED", made=False)

    answer = api.call("GET", f"{EXPORTS}/{export_id}/file", auditor)
    shown = api.call("GET", f"{EXPORTS}/{export_id}", auditor).json()

    assert (answer.status_code, answer.json()["code"]) == (409, "EXPORT_NOT_READY")
    assert "failed" in answer.json()["detail"]
    assert (shown["state"], shown["failure"]) == ("FAILED", "the bucket was full")
