"""A partner's case over HTTP: documents, people, questions back, the whole story (S1.13-S1.16, S1.42, S1.46)."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.http.conftest import Api, contact
from tests.http.test_partner_journey import PARTNERS, decide, submitted

Document = dict[str, Any]


class Case:
    """One partner, its applicant and what was read last."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.subject, self.bearer, self.partner = submitted(api)
        self.path = f"{PARTNERS}/{self.partner['id']}"

    def get(self, rest: str = "", bearer: str = "") -> httpx.Response:
        return self.api.call("GET", f"{self.path}{rest}", bearer or self.bearer)

    def file(self, bearer: str = "", **changes: Any) -> httpx.Response:
        """A new licence, unless something else is given."""
        sender = bearer or self.bearer
        key = self.api.upload(sender, "licensing", self.partner["id"])["object_key"] if not changes else ""
        return self._read(self.api.call("POST", f"{self.path}/dossier", sender, json=changes or _licence(key)))

    def replace(self, *people: str | Document, bearer: str = "") -> httpx.Response:
        headers = {"If-Match": f'"{self.partner["version"]}"'}
        body = {"contacts": [contact(each) if isinstance(each, str) else each for each in people]}
        sender = bearer or self.bearer
        return self._read(self.api.call("PUT", f"{self.path}/contacts", sender, json=body, headers=headers))

    def decide(self, verb: str, **body: Any) -> httpx.Response:
        root = self.api.token("root-admin-1", "RoleRootAdmin")
        read = {"notes": "Seen and compared with the register.", "dossier_version": self.partner["dossier"]["version"]}
        headers = {"If-Match": f'"{self.partner["version"]}"'}
        return self._read(self.api.call("POST", f"{self.path}/{verb}", root, json=read | body, headers=headers))

    def _read(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code == 200:
            self.partner = answer.json()
            assert answer.headers["etag"] == f'"{self.partner["version"]}"'
        return answer


def _licence(key: str) -> Document:
    return {"licensing_object_key": key}


@pytest.fixture
def case(api: Api) -> Case:
    return Case(api)


def test_a_question_back_is_answered_with_a_document_and_the_case_is_reviewed_again(case: Case) -> None:  # K3
    asked = case.decide("request-info", fields=["/licensing_object_key"], reason_code="DOCUMENT_UNREADABLE")
    assert (asked.json()["state"], asked.json()["fields_requested"]) == ("INFO_REQUESTED", ["/licensing_object_key"])

    answered = case.file()

    assert (answered.status_code, answered.json()["state"]) == (200, "PENDING_REVIEW")
    assert answered.json()["dossier"]["version"] == 2
    assert case.get().json() == answered.json()


def test_every_version_of_the_dossier_stays_readable(case: Case) -> None:  # S1.14
    first = case.partner["dossier"]["documents"]
    case.file()

    versions = case.get("/dossiers").json()["data"]

    assert [version["version"] for version in versions] == [1, 2]
    assert versions[0]["documents"] == first
    assert versions[0]["documents"][0] == versions[1]["documents"][0]
    assert case.get("/dossiers/1").json() == versions[0]
    assert [person["subject"] for person in versions[1]["contacts"]] == [case.subject]
    assert versions[1]["filed_by"] == case.subject
    assert [case.get(f"/dossiers/{nothing}").status_code for nothing in ("3", "0", "x")] == [404, 404, 404]


def test_an_update_of_nothing_and_unknown_fields_are_refused(case: Case) -> None:  # S1.13
    empty = case.api.call("POST", f"{case.path}/dossier", case.bearer, json={})
    unknown = case.api.call("POST", f"{case.path}/dossier", case.bearer, json={"state": "APPROVED"})

    assert (empty.status_code, empty.json()["code"]) == (422, "DOSSIER_EMPTY")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "VALIDATION_FAILED")


def test_a_roster_needs_if_match_and_is_never_empty(case: Case) -> None:  # S1.42
    missing = case.api.call("PUT", f"{case.path}/contacts", case.bearer, json={"contacts": [contact(case.subject)]})
    stale = {"If-Match": '"7"'}
    older = case.api.call(
        "PUT", f"{case.path}/contacts", case.bearer, json={"contacts": [contact(case.subject)]}, headers=stale
    )

    assert [(a.status_code, a.json()["code"]) for a in (missing, older, case.replace())] == [
        (428, "PRECONDITION_REQUIRED"),
        (412, "PRECONDITION_FAILED"),
        (409, "LAST_CONTACT"),
    ]


def test_who_was_removed_is_refused_on_the_next_request_everywhere(case: Case) -> None:  # S1.15, S1.42
    guest = f"guest-{uuid4().hex[:12]}"
    bearer = case.api.token(guest, "RolePartnerAdmin")
    case.replace(case.subject, guest)
    assert case.get("", bearer).status_code == 200

    case.replace(case.subject)

    reads = [case.get(rest, bearer) for rest in ("", "/dossiers", "/dossiers/1", "/approvals", "/timeline")]
    writes = [
        case.api.call("POST", f"{case.path}/dossier", bearer, json={"contacts": [contact(guest)]}),
        case.replace(guest, bearer=bearer),
        case.api.call("POST", "/api/v1/uploads", bearer, json=_wanted(case.partner["id"])),
    ]
    assert {(a.status_code, a.json()["code"]) for a in (*reads, *writes)} == {(403, "CONTACT_REMOVED")}
    assert case.api.call("GET", PARTNERS, bearer).json() == {"data": [], "has_more": False}


def test_a_stranger_sees_nothing_at_all(case: Case) -> None:  # S1.15
    eve = case.api.token("eve", "RolePartnerAdmin")

    answers = [case.get(rest, eve) for rest in ("", "/dossiers", "/dossiers/1", "/approvals", "/timeline")]
    answers += [
        case.api.call("POST", f"{case.path}/dossier", eve, json={}),
        case.replace("eve", bearer=eve),
        case.api.call("POST", "/api/v1/uploads", eve, json=_wanted(case.partner["id"])),
    ]

    assert {(a.status_code, a.json()["code"]) for a in answers} == {(404, "NOT_FOUND")}


def test_a_root_role_without_the_allowlist_files_nothing(case: Case) -> None:  # S1.15
    outsider = case.api.token("root-admin-99", "RoleRootAdmin")

    answers = [
        case.api.call("POST", f"{case.path}/dossier", outsider, json={}),
        case.api.call("POST", "/api/v1/uploads", outsider, json=_wanted(case.partner["id"])),
    ]

    assert {(a.status_code, a.json()["code"]) for a in answers} == {(403, "ROOT_ADMIN_REQUIRED")}


def test_the_timeline_tells_the_whole_story_in_order_and_in_pages(case: Case) -> None:  # S1.46
    guest = f"guest-{uuid4().hex[:12]}"
    case.replace(case.subject, guest)
    case.decide("approve", internal_notes="Not for the partner.")
    case.decide("reject", reason_code="RISK_REVIEW")
    case.decide("reinstate", reason_code="ISSUE_RESOLVED")

    first = case.get("/timeline?limit=4").json()
    rest = case.get(f"/timeline?starting_after={first['data'][-1]['aggregate_version']}").json()

    story = first["data"] + rest["data"]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert [entry["type"] for entry in story] == [
        "partner.submitted",
        "partner.contact.added",
        "partner.dossier_filed",
        "partner.approved",
        "partner.rejected",
        "partner.suspended",
        "partner.reinstated",
    ]
    assert [entry["aggregate_version"] for entry in story] == list(range(1, 8))
    assert {entry["actor"] for entry in story} == {case.subject, "root-admin-1"}
    assert "Not for the partner." not in str(story)
    assert all("context" not in entry and "'ip'" not in str(entry) for entry in story)


def test_a_reviewer_sees_open_tasks_and_the_partner_does_not(case: Case) -> None:  # S1.43
    guest = {**contact(f"guest-{uuid4().hex[:12]}"), "issuer": "https://elsewhere.example"}
    case.replace(case.subject, guest)
    case.replace(case.subject)

    seen = case.get("", case.api.token("ops", "RoleOps")).json()["tasks"]

    assert [(task["kind"], task["subject"]) for task in seen] == [("deactivate_contact", guest["subject"])]
    assert case.get().json()["tasks"] is None


def test_evidence_and_fields_of_a_decision_are_kept_with_it(case: Case) -> None:  # K5
    key = case.partner["dossier"]["documents"][1]["object_key"]

    case.decide("request-info", fields=["/contacts/0/phone"], evidence=[key])

    (approval,) = case.get("/approvals").json()["data"]
    assert (approval["decision"], approval["evidence"], approval["fields"]) == (
        "INFO_REQUESTED",
        [key],
        ["/contacts/0/phone"],
    )
    assert approval["proposed_by"] is None


@pytest.mark.parametrize("overdue", ["true", "false"])
def test_partners_past_their_review_deadline_can_be_asked_for(case: Case, overdue: str) -> None:  # K8
    case.decide("approve")
    case.file()

    found = case.api.call("GET", f"{PARTNERS}?overdue={overdue}&limit=100", case.bearer).json()["data"]

    assert [partner["id"] for partner in found] == ([] if overdue == "true" else [case.partner["id"]])


@pytest.mark.parametrize("pointer", ["licensing_object_key", "/state", "/contacts/0/../x", "/contacts/100"])
def test_what_is_asked_for_is_a_field_of_the_application(case: Case, pointer: str) -> None:
    answer = case.decide("request-info", fields=[pointer])

    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED")


def test_a_rejected_partner_with_a_new_dossier_is_decided_again(case: Case) -> None:  # K22
    decide(case.api, case.partner, "reject", 1)

    again = case.file()

    assert (again.json()["state"], case.decide("approve").json()["state"]) == ("PENDING_REVIEW", "APPROVED")


def _wanted(partner_id: str) -> Document:
    return {
        "kind": "kyb",
        "content_type": "application/pdf",
        "size": 9,
        "sha256": "ab" * 32,
        "partner_id": partner_id,
    }
