"""Whatever is sent, the answer is a clear 4xx with a code and a pointer, and nothing is stored."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.http.conftest import Api, contact

PARTNERS = "/api/v1/partners"
SOME_KEY = "partners/01a201a1-9d4b-7755-91c5-f8b4a665c4d1/{}/20261122T050138507770Z"


def application(**changes: Any) -> dict[str, Any]:
    """Well-formed, though its documents do not exist."""
    fields = {
        "name": "Acme",
        "legal_name": "Acme Ltd",
        "kyb_object_key": SOME_KEY.format("kyb"),
        "licensing_object_key": SOME_KEY.format("licensing"),
        "contacts": [contact("ada")],
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


@pytest.fixture(scope="module")
def bearer(api: Api) -> str:
    return api.token("ada", "RolePartnerAdmin")


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        pytest.param({"name": None}, "/name", id="a missing name"),
        pytest.param({"name": ""}, "/name", id="an empty name"),
        pytest.param({"name": "   "}, "/name", id="only blanks"),
        pytest.param({"name": "\u200b\u2060"}, "/name", id="only invisible characters"),
        pytest.param({"name": "A\x00B"}, "/name", id="a NUL"),
        pytest.param({"name": "A\u202eB"}, "/name", id="a direction override"),
        pytest.param({"name": "x" * 201}, "/name", id="201 characters"),
        pytest.param({"legal_name": 7}, "/legal_name", id="a number for a name"),
        pytest.param({"legal_name": ["x"]}, "/legal_name", id="a list for a name"),
        pytest.param({"kyb_object_key": True}, "/kyb_object_key", id="a boolean for a key"),
        pytest.param({"contacts": []}, "/contacts", id="no contacts"),
        pytest.param({"contacts": [contact("ada")] * 51}, "/contacts", id="51 contacts"),
        pytest.param({"contacts": {"0": contact("ada")}}, "/contacts", id="an object for a list"),
        pytest.param({"contacts": [contact("ada"), {"name": "B"}]}, "/contacts/1/email", id="half a contact"),
        pytest.param({"contacts": [{**contact("a"), "email": "nobody"}]}, "/contacts/0/email", id="no mail address"),
        pytest.param({"contacts": [contact("x" * 256)]}, "/contacts/0/subject", id="a subject of 256"),
        pytest.param({"contacts": [{**contact("a"), "vip": 1}]}, "/contacts/0/vip", id="an unknown field inside"),
        pytest.param({"approved": True}, "/approved", id="an unknown field"),
    ],
)
def test_a_wrong_field_is_named_by_its_json_pointer(
    api: Api, bearer: str, changes: dict[str, Any], pointer: str
) -> None:  # S1.4, S1.5, S1.8
    answer = api.call("POST", PARTNERS, bearer, json=application(**changes))

    assert pointer in [error["pointer"] for error in problem(answer, 422, "VALIDATION_FAILED")["errors"]]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut off"),
        pytest.param(b"", id="empty"),
        pytest.param(b"name=Acme", id="a form"),
        pytest.param(b'{"name": "\xff\xfe"}', id="bad UTF-8"),
        pytest.param(b'{"name": NaN, }', id="a trailing comma"),
        pytest.param(b"[" * 5000, id="deep nesting"),
    ],
)
def test_what_is_not_json_is_malformed(api: Api, bearer: str, body: bytes) -> None:
    answer = api.call("POST", PARTNERS, bearer, content=body)

    assert answer.status_code in (400, 422)
    assert answer.json()["code"] == ("VALIDATION_FAILED" if body == b"" else "MALFORMED_JSON")


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"null", b"42"])
def test_json_that_is_no_object_does_not_fit(api: Api, bearer: str, body: bytes) -> None:
    problem(api.call("POST", PARTNERS, bearer, content=body), 422, "VALIDATION_FAILED")


def test_a_body_of_a_megabyte_is_too_large(api: Api, bearer: str) -> None:
    problem(api.call("POST", PARTNERS, bearer, content=b" " * 1_000_000), 413, "PAYLOAD_TOO_LARGE")


def test_ten_thousand_contacts_are_refused(api: Api, bearer: str) -> None:
    huge = application(contacts=[contact(f"c{n}") for n in range(10_000)])

    problem(api.call("POST", PARTNERS, bearer, json=huge), 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Idempotency-Key": None}, "IDEMPOTENCY_KEY_REQUIRED"),
        ({"Idempotency-Key": ""}, "IDEMPOTENCY_KEY_INVALID"),
        ({"Idempotency-Key": "x" * 256}, "IDEMPOTENCY_KEY_INVALID"),
        ({"Idempotency-Key": "two words"}, "IDEMPOTENCY_KEY_INVALID"),
    ],
)
def test_an_unsafe_call_needs_a_good_idempotency_key(
    api: Api, bearer: str, headers: dict[str, str | None], code: str
) -> None:
    problem(api.call("POST", PARTNERS, bearer, json=application(), headers=headers), 400, code)


def test_without_a_token_the_answer_says_how_to_get_in(api: Api) -> None:
    answer = api.call("POST", PARTNERS, json=application())

    problem(answer, 401, "AUTH_REQUIRED")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_bad_token_is_told_apart_from_none(api: Api) -> None:
    problem(api.call("POST", PARTNERS, "not.a.token", json=application()), 401, "TOKEN_INVALID")


@pytest.mark.parametrize("role", ["RoleRootAdmin", "RoleCompliance", "RoleSuperAdmin", "RoleAuditor", "RoleOps"])
def test_only_a_partner_admin_applies(api: Api, role: str) -> None:  # S1.2
    answer = api.call("POST", PARTNERS, api.token("someone", role), json=application())

    problem(answer, 403, "ROLE_REQUIRED")


@pytest.mark.parametrize(
    "path",
    ["/api/v1/partners/not-a-uuid", "/api/v1/partners/01a201b0-0000-7000-8000-00000000dead", "/api/v1/nothing", "/x"],
)
def test_what_is_not_there_and_what_is_not_yours_look_the_same(api: Api, bearer: str, path: str) -> None:
    answer = api.call("GET", path, bearer)

    body = problem(answer, 404, "NOT_FOUND")
    assert body["detail"] == "Not found"


def test_a_method_that_no_route_has_is_closed(api: Api, bearer: str) -> None:
    problem(api.call("DELETE", PARTNERS, bearer), 403, "ROUTE_NOT_REGISTERED")


@pytest.mark.parametrize(
    ("query", "code", "status"),
    [
        ("limit=0", "VALIDATION_FAILED", 422),
        ("limit=101", "VALIDATION_FAILED", 422),
        ("limit=ten", "VALIDATION_FAILED", 422),
        ("state=MAYBE", "VALIDATION_FAILED", 422),
        ("page=2", "VALIDATION_FAILED", 422),
        ("starting_after=yesterday", "CURSOR_INVALID", 400),
    ],
)
def test_a_bad_list_parameter_is_refused(api: Api, bearer: str, query: str, code: str, status: int) -> None:
    problem(api.call("GET", f"{PARTNERS}?{query}", bearer), status, code)


@pytest.mark.parametrize(
    ("if_match", "code", "status"),
    [
        (None, "PRECONDITION_REQUIRED", 428),
        ("3", "PRECONDITION_FAILED", 412),
        ("*", "PRECONDITION_FAILED", 412),
        ('W/"1"', "PRECONDITION_FAILED", 412),
    ],
)
def test_a_decision_names_the_version_it_was_made_on(api: Api, if_match: str | None, code: str, status: int) -> None:
    root = api.token("root-admin-1", "RoleRootAdmin")
    decision = {"notes": "All documents are in order.", "dossier_version": 1}

    answer = api.call("POST", f"{PARTNERS}/{uuid4()}/approve", root, json=decision, headers={"If-Match": if_match})

    problem(answer, status, code)


def test_a_body_cannot_name_what_the_path_names(api: Api) -> None:
    root = api.token("root-admin-1", "RoleRootAdmin")
    smuggled = {"notes": "All documents are in order.", "dossier_version": 1, "partner_id": str(uuid4())}

    answer = api.call("POST", f"{PARTNERS}/{uuid4()}/approve", root, json=smuggled, headers={"If-Match": '"1"'})

    assert problem(answer, 422, "VALIDATION_FAILED")["errors"][0]["pointer"] == "/partner_id"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "passport"}, "/kind"),
        ({"content_type": "text/html"}, "/content_type"),
        ({"size": 0}, "/size"),
        ({"size": 10**12}, "/size"),
        ({"size": "12"}, "/size"),
        ({"sha256": "AB" * 32}, "/sha256"),
    ],
)
def test_an_upload_is_announced_exactly(api: Api, bearer: str, changes: dict[str, Any], pointer: str) -> None:  # S1.18
    good = {"kind": "kyb", "content_type": "application/pdf", "size": 12, "sha256": "ab" * 32}

    answer = api.call("POST", "/api/v1/uploads", bearer, json=good | changes)

    assert problem(answer, 422, "VALIDATION_FAILED")["errors"][0]["pointer"] == pointer


def test_every_problem_type_has_a_page(api: Api, bearer: str) -> None:
    body = problem(api.call("POST", PARTNERS, bearer, content=b"{"), 400, "MALFORMED_JSON")

    page = api.http.get(body["type"])

    assert page.status_code == 200
    assert "MALFORMED_JSON" in page.text


def test_a_request_id_and_a_trace_that_were_given_are_kept(api: Api, bearer: str) -> None:
    answer = api.call("GET", PARTNERS, bearer, headers={"X-Request-Id": "ticket-4711"})

    assert answer.headers["x-request-id"] == "ticket-4711"


@pytest.mark.parametrize("given", ["x" * 65, "new\tline", "<script>"])
def test_a_request_id_that_could_do_harm_is_replaced(api: Api, bearer: str, given: str) -> None:
    answer = api.call("GET", PARTNERS, bearer, headers={"X-Request-Id": given})

    assert answer.headers["x-request-id"] != given


def test_the_interface_documents_are_served(api: Api) -> None:
    openapi = api.http.get("/openapi.json").json()
    asyncapi = api.http.get("/asyncapi.json").json()

    assert PARTNERS in openapi["paths"]
    assert "partner.approved" in asyncapi["channels"]
    assert json.dumps(openapi).count("$defs") == 0
