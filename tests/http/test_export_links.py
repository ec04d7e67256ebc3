"""A13 over HTTP: whoever is handed a link to a file stands in the log, whichever service the file is of."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from psycopg.sql import SQL, Identifier

from contracts.roles import Role
from deploy.local.stack import Stack
from tests.http.conftest import Api
from tests.support import ServiceProcess, Tables, eventually_true
from tests.support.export_cases import an_export

EXPORTS = "/api/v1/exports"
OWNERS = [("partners", "approvals"), ("staffing", "roles"), ("audit", "events")]


def a_file(stack: Stack, owner: str, dataset: str) -> UUID:
    return an_export(Tables(stack, owner), dataset, "READY", made=True, due=False, days_left=1)


def asked(api: Api, path: str, subject: str) -> tuple[httpx.Response, str]:
    """The answer, and the request id under which the log knows of it."""
    request_id = f"link-{uuid4().hex}"
    bearer = api.token(subject, Role.AUDITOR)
    return api.call("GET", f"{EXPORTS}/{path}", bearer, headers={"X-Request-Id": request_id}), request_id


def told(stack: Stack, owner: str, export_id: UUID) -> list[dict[str, Any]]:
    """Of links; that it was asked for and made are versions 1 and 2."""
    given = "SELECT value FROM outbox WHERE aggregate_id = %s AND topic LIKE '%%.export_link_given' ORDER BY id"
    return [orjson.loads(row["value"]) for row in Tables(stack, owner).rows(given, export_id)]


@contextmanager
def unable_to_record(stack: Stack, owner: str) -> Iterator[None]:
    """The service reads as ever, but no event of it can be written."""
    names = Identifier("outbox"), Identifier(owner)
    with Tables(stack, owner).connection() as tables:
        tables.execute(SQL("REVOKE INSERT ON {} FROM {}").format(*names))
        try:
            yield
        finally:
            tables.execute(SQL("GRANT INSERT ON {} TO {}").format(*names))


@pytest.mark.parametrize(("owner", "dataset"), OWNERS)
def test_two_links_by_either_call_are_two_events_that_say_who_has_them(
    api: Api, stack: Stack, audit: ServiceProcess, owner: str, dataset: str
) -> None:
    export_id = a_file(stack, owner, dataset)

    shown, first = asked(api, str(export_id), "anna")
    sent, second = asked(api, f"{export_id}/file", "otto")

    events = told(stack, owner, export_id)
    assert (shown.status_code, sent.status_code) == (200, 302)
    assert [(event["aggregate_version"], event["actor"]["subject"]) for event in events] == [(3, "anna"), (4, "otto")]
    assert {(event["type"], event["data"]["dataset"]) for event in events} == {(f"{owner}.export_link_given", dataset)}
    assert (shown.json()["link_expires_at"], shown.headers["ETag"]) == (events[0]["data"]["link_expires_at"], '"3"')
    logged = "SELECT count(*) FROM events WHERE request_id = ANY(%s) AND type = %s"
    eventually_true(
        lambda: Tables(stack, "audit").value(logged, [first, second], f"{owner}.export_link_given") == 2,
        "both are in the log",
    )


@pytest.mark.parametrize(("owner", "dataset"), OWNERS)
def test_there_is_no_link_that_could_not_be_recorded(
    api: Api, stack: Stack, audit: ServiceProcess, owner: str, dataset: str
) -> None:
    export_id = a_file(stack, owner, dataset)

    with unable_to_record(stack, owner):
        refused = [asked(api, path, "anna")[0] for path in (str(export_id), f"{export_id}/file")]
    given, _ = asked(api, f"{export_id}/file", "anna")

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [
        (503, "DEPENDENCY_UNAVAILABLE"),
        (503, "DEPENDENCY_UNAVAILABLE"),
    ]
    assert not [answer for answer in refused if "Location" in answer.headers or "X-Amz" in answer.text]
    assert given.status_code == 302
    assert [event["aggregate_version"] for event in told(stack, owner, export_id)] == [3]


def test_how_far_an_export_is_may_be_asked_without_a_trace(api: Api, stack: Stack, audit: ServiceProcess) -> None:
    export_id = an_export(Tables(stack, "staffing"), "roles", "RUNNING", made=False, due=False)

    with unable_to_record(stack, "staffing"):
        shown, _ = asked(api, str(export_id), "anna")

    assert (shown.status_code, shown.json()["link"]) == (200, None)
    assert told(stack, "staffing", export_id) == []
