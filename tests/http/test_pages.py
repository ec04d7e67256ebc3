"""Pages over HTTP: who reads them, who acknowledges (S1.37)."""

from typing import Any
from uuid import uuid4

from contracts.message import Command
from services.gateway.routes import ALL
from tests.http.conftest import Api

PAGES = "/api/v1/pages"


def arrived(api: Api) -> dict[str, Any]:
    """The page about an application that has just come in, as an auditor sees it."""
    subject = f"ada-{uuid4().hex[:8]}"
    bearer = api.token(subject, "RolePartnerAdmin")
    answer = api.call("POST", "/api/v1/partners", bearer, json=api.application(subject, bearer))
    assert answer.status_code == 201, answer.text
    assert answer.json()["review"] == {"due_at": answer.json()["review"]["due_at"], "paused": False, "breached": False}
    return next(page for page in all_pages(api) if page["partner_id"] == answer.json()["id"])


def all_pages(api: Api, **wanted: str) -> list[dict[str, Any]]:
    bearer, pages, more = api.token("auditor", "RoleAuditor"), list[dict[str, Any]](), True
    while more:
        after = {"starting_after": pages[-1]["id"]} if pages else {}
        answer = api.call("GET", PAGES, bearer, params={"limit": "2", **wanted, **after})
        assert answer.status_code == 200, answer.text
        pages, more = pages + answer.json()["data"], answer.json()["has_more"]
    return pages


def test_an_allowlisted_root_admin_acknowledges_and_everybody_sees_who(api: Api) -> None:
    page = arrived(api)
    path = f"{PAGES}/{page['id']}/acknowledge"

    answer = api.call("POST", path, api.token("root-admin-1", "RoleRootAdmin"))
    again = api.call("POST", path, api.token("root-admin-2", "RoleRootAdmin"))

    assert (page["state"], page["level"], page["acknowledged_by"]) == ("OPEN", 1, None)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert (answer.json()["state"], answer.json()["acknowledged_by"]) == ("ACKNOWLEDGED", "root-admin-1")
    assert again.json() == answer.json()
    assert answer.json() in all_pages(api, state="ACKNOWLEDGED")
    assert page["id"] not in {open_["id"] for open_ in all_pages(api, state="OPEN")}


def test_nobody_else_acknowledges(api: Api) -> None:
    path = f"{PAGES}/{arrived(api)['id']}/acknowledge"

    asked = {
        "ROLE_REQUIRED": api.call("POST", path, api.token("ops-1", "RoleOps")),
        "ROOT_ADMIN_REQUIRED": api.call("POST", path, api.token("root-99", "RoleRootAdmin")),
        "AUTH_REQUIRED": api.call("POST", path),
        "NOT_FOUND": api.call("POST", f"{PAGES}/{uuid4()}/acknowledge", api.token("root-admin-1", "RoleRootAdmin")),
    }

    assert {code: answer.json()["code"] for code, answer in asked.items()} == {code: code for code in asked}
    assert [answer.status_code for answer in asked.values()] == [403, 403, 401, 404]


def test_a_partner_does_not_read_pages(api: Api) -> None:
    answer = api.call("GET", PAGES, api.token("ada", "RolePartnerAdmin"))

    assert (answer.status_code, answer.json()["code"]) == (403, "ROLE_REQUIRED")


def test_no_command_of_a_service_to_itself_has_a_route() -> None:
    messages = [route.message for routes in ALL for route in routes.table]

    assert [m.type for m in messages if issubclass(m, Command) and m.system] == []


def test_a_cursor_that_is_none_is_named(api: Api) -> None:
    answer = api.call("GET", PAGES, api.token("auditor", "RoleAuditor"), params={"starting_after": "yesterday"})

    assert (answer.status_code, answer.json()["code"]) == (400, "CURSOR_INVALID")
