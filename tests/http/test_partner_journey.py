"""A partner over HTTP, from the first upload to the decision (S1.3-S1.26)."""

import signal
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any
from uuid import uuid4

import httpx

from tests.http.conftest import Api, contact
from tests.support import ServiceProcess, eventually_true

PARTNERS = "/api/v1/partners"
NOTES = "Registry extract and licence are in order."


def submitted(api: Api) -> tuple[str, str, dict[str, Any]]:
    """Subject, token and partner of an application that was taken in."""
    subject = f"ada-{uuid4().hex[:12]}"
    bearer = api.token(subject, "RolePartnerAdmin")
    answer = api.call("POST", PARTNERS, bearer, json=api.application(subject, bearer))
    assert answer.status_code == 201, answer.text
    return subject, bearer, answer.json()


def decide(api: Api, partner: dict[str, Any], verb: str, version: int, **sent: Any) -> httpx.Response:
    root = api.token("root-admin-1", "RoleRootAdmin")
    body = {"notes": NOTES, "dossier_version": 1, "internal_notes": "Seen at the counter."}
    headers = {"If-Match": f'"{version}"', **sent}
    return api.call("POST", f"{PARTNERS}/{partner['id']}/{verb}", root, json=body, headers=headers)


def test_an_application_is_created_once_for_one_key(api: Api) -> None:  # S1.3
    subject = f"ada-{uuid4().hex[:12]}"
    bearer = api.token(subject, "RolePartnerAdmin")
    body, key = api.application(subject, bearer), {"Idempotency-Key": uuid4().hex}

    first, second = (api.call("POST", PARTNERS, bearer, json=body, headers=key) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"] == '"1"'
    assert first.headers["location"] == f"{PARTNERS}/{first.json()['id']}"
    other = api.call("POST", PARTNERS, bearer, json=body | {"name": "Other"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_two_applications_with_one_subject_at_once_make_one_partner(api: Api) -> None:  # S1.12
    shared = f"shared-{uuid4().hex[:12]}"
    bearers = []
    for _ in range(2):
        subject = f"ada-{uuid4().hex[:12]}"
        bearer = api.token(subject, "RolePartnerAdmin")
        body = api.application(subject, bearer)
        body["contacts"].append(contact(shared))
        bearers.append((bearer, body))

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda each: api.call("POST", PARTNERS, each[0], json=each[1]), bearers))

    assert sorted(answer.status_code for answer in answers) == [201, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["code"] == "SUBJECT_ALREADY_REGISTERED"


def test_a_partner_is_seen_by_its_contacts_and_by_reviewers_only(api: Api) -> None:
    _, bearer, partner = submitted(api)
    path = f"{PARTNERS}/{partner['id']}"
    stranger = api.token("eve", "RolePartnerAdmin")

    assert api.call("GET", path, bearer).json() == partner
    assert api.call("GET", path, api.token("ops", "RoleOps")).status_code == 200
    assert api.call("GET", path, stranger).status_code == 404
    assert api.call("GET", PARTNERS, stranger).json() == {"data": [], "has_more": False}
    assert [p["id"] for p in api.call("GET", PARTNERS, bearer).json()["data"]] == [partner["id"]]


def test_a_decision_is_recorded_and_replayed_under_its_key(api: Api) -> None:  # S1.20-S1.25
    _, bearer, partner = submitted(api)
    key = {"Idempotency-Key": uuid4().hex}

    first, again = (decide(api, partner, "approve", 1, **key) for _ in range(2))

    assert (first.status_code, first.json()["state"], first.json()["approved_by"]) == (200, "APPROVED", "root-admin-1")
    assert again.content == first.content
    assert decide(api, partner, "approve", 2).json()["code"] == "PARTNER_STATE_INVALID"
    own = api.call("GET", f"{PARTNERS}/{partner['id']}/approvals", bearer).json()["data"]
    theirs = api.call("GET", f"{PARTNERS}/{partner['id']}/approvals", api.token("aud", "RoleAuditor")).json()["data"]
    assert [(a["decision"], a["notes"], a["internal_notes"]) for a in own] == [("APPROVED", NOTES, None)]  # K4
    assert theirs[0]["internal_notes"] == "Seen at the counter."


def test_a_rejected_approval_suspends(api: Api) -> None:  # S1.26, S1.38
    _, _, partner = submitted(api)
    decide(api, partner, "approve", 1)

    suspended = decide(api, partner, "reject", 2)

    body = suspended.json()
    assert (body["state"], body["approved_at"], body["approved_by"]) == ("SUSPENDED", None, None)


def test_a_root_admin_who_is_not_on_the_list_decides_nothing(api: Api) -> None:  # S1.19
    _, _, partner = submitted(api)
    outsider = api.token("root-admin-99", "RoleRootAdmin")

    answer = api.call(
        "POST",
        f"{PARTNERS}/{partner['id']}/approve",
        outsider,
        json={"notes": NOTES, "dossier_version": 1},
        headers={"If-Match": '"1"'},
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "ROOT_ADMIN_REQUIRED")


def test_taking_a_subject_off_the_list_binds_on_the_next_request(api: Api) -> None:  # S1.19
    _, _, partner = submitted(api)
    allowlist = api.stack.home.etc / "root_admin_subjects"
    before = allowlist.read_text()
    try:
        allowlist.write_text("root-admin-2\n")
        refused = decide(api, partner, "approve", 1)
        allowlist.write_text("")
        nobody = decide(api, partner, "approve", 1)
    finally:
        allowlist.write_text(before)

    assert refused.json()["code"] == nobody.json()["code"] == "ROOT_ADMIN_REQUIRED"
    assert decide(api, partner, "approve", 1).status_code == 200


def test_the_outcome_of_a_command_can_be_asked_by_its_sender_only(api: Api, audit: ServiceProcess) -> None:
    subject = f"ada-{uuid4().hex[:12]}"
    bearer = api.token(subject, "RolePartnerAdmin")
    refused = api.call("POST", PARTNERS, bearer, json=api.application("somebody-else", bearer))
    assert refused.json()["code"] == "SUBMITTER_NOT_IN_ROSTER"

    unknown = api.call("GET", f"/api/v1/operations/{uuid4()}", bearer)

    assert unknown.json() == {"status": "pending"}
    assert api.call("GET", "/api/v1/operations/nonsense", bearer).status_code == 404


def test_the_list_is_cut_into_pages_that_do_not_overlap(api: Api) -> None:
    for _ in range(3):
        submitted(api)
    auditor = api.token("aud", "RoleAuditor")

    first = api.call("GET", f"{PARTNERS}?limit=2", auditor).json()
    rest = api.call("GET", f"{PARTNERS}?limit=2&starting_after={first['data'][-1]['id']}", auditor).json()

    assert first["has_more"]
    assert {p["id"] for p in first["data"]}.isdisjoint(p["id"] for p in rest["data"])


def test_a_second_request_while_the_first_still_runs_is_told_to_wait(api: Api) -> None:
    subject = f"ada-{uuid4().hex[:12]}"
    bearer = api.token(subject, "RolePartnerAdmin")
    body, key = api.application(subject, bearer), {"Idempotency-Key": uuid4().hex}
    owner = api.owners["partners"]
    owner.signal(signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(3) as pool:
            asked = [pool.submit(api.call, "POST", PARTNERS, bearer, json=body, headers=key) for _ in range(3)]
            early = [next(as_completed(asked, timeout=20)).result()]
            owner.signal(signal.SIGCONT)
            answers = [each.result() for each in asked]
    finally:
        owner.signal(signal.SIGCONT)

    assert (early[0].status_code, early[0].json()["code"]) == (409, "IDEMPOTENCY_IN_PROGRESS")
    assert early[0].headers["retry-after"]
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


def test_a_late_answer_is_202_and_can_be_asked_for_afterwards(api: Api, audit: ServiceProcess) -> None:
    subject = f"ada-{uuid4().hex[:12]}"
    bearer = api.token(subject, "RolePartnerAdmin")
    body = api.application(subject, bearer)
    owner = api.owners["partners"]
    owner.signal(signal.SIGSTOP)
    try:
        late = api.call("POST", PARTNERS, bearer, json=body)
    finally:
        owner.signal(signal.SIGCONT)

    assert late.status_code == 202

    def settled() -> bool:
        return bool(api.call("GET", late.headers["location"], bearer).json().get("status") == "succeeded")

    eventually_true(settled, "the operation succeeds")
    outcome = api.call("GET", late.headers["location"], bearer).json()
    assert (outcome["http_status"], outcome["result"]["legal_name"]) == (201, "Acme Ltd")
    stranger = api.token("eve", "RolePartnerAdmin")
    assert api.call("GET", late.headers["location"], stranger).json() == {"status": "pending"}
