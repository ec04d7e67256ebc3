"""A14 over HTTP: how things stood at an instant, for those who may read the log."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest

from deploy.local.stack import Stack
from tests.http.conftest import Api
from tests.http.test_partner_journey import decide, submitted
from tests.http.test_staff_journey import Shop, mobile
from tests.support import eventually_true

pytestmark = pytest.mark.usefixtures("audit")

AUDIT = "/api/v1/audit"
LATER = "2100-01-01T00:00:00Z"
PAST = {"audit.partner_as_of", "audit.roster_as_of"}


def test_a_partner_and_its_roster_as_they_were(api: Api, stack: Stack) -> None:
    subject, bearer, partner = submitted(api)
    reader = f"anna-{uuid4().hex[:12]}"
    auditor = api.token(reader, "RoleAuditor")
    path = f"{AUDIT}/partners/{partner['id']}"

    first = until_version(api, auditor, path, 1)
    assert decide(api, partner, "approve", 1).status_code == 200
    approved = until_version(api, auditor, path, 2)
    moment = first["known"]["recorded_at"]
    then = ask(api, auditor, path, moment)
    roster = ask(api, auditor, f"{path}/roster", moment)
    before = ask(api, auditor, path, just_before(moment))
    known = ask(api, auditor, f"{AUDIT}/events", moment, target=f"partner:{partner['id']}", action="partner.approved")
    refused = [
        ask(api, bearer, path, moment),
        ask(api, auditor, path, "yesterday"),
        api.call("GET", path, auditor),
        ask(api, auditor, f"{AUDIT}/partners/x", moment),
        ask(api, auditor, f"{path}/roster", moment, starting_after="x"),
    ]
    eventually_true(lambda: readings(api, auditor, reader) == PAST, "the readings in the log")

    assert (first["state"], approved["state"]) == ("PENDING_REVIEW", "APPROVED")
    assert approved["decision"]["verdict"] == "APPROVED"
    assert {**then.json(), "known": None} == {**first, "known": None}
    assert then.json()["known"]["final"] is True
    assert [(stay["subject"], stay["status"]) for stay in roster.json()["data"]] == [(subject, "ACTIVE")]
    assert (before.status_code, known.json()["data"]) == (404, [])
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [
        (403, "ROLE_REQUIRED"),
        (422, "VALIDATION_FAILED"),
        (422, "VALIDATION_FAILED"),
        (404, "NOT_FOUND"),
        (400, "CURSOR_INVALID"),
    ]


def test_an_owner_asks_who_had_access_to_a_branch(api: Api, stack: Stack) -> None:
    shop, auditor = Shop(api), api.token("anna", "RoleAuditor")
    hired = shop.add(phone=mobile(), role_key="CASHIER", branch_ids=shop.branches[:1]).json()
    membership = f"{AUDIT}/memberships/{hired['membership']['id']}"
    access = f"{AUDIT}/branches/{shop.branches[0]}/access"

    member = until_version(api, auditor, membership, hired["version"])
    mine = ask(api, shop.owner, membership, LATER)
    people = ask(api, shop.owner, access, LATER)
    strangers = ask(api, Shop(api).owner, access, LATER)

    assert mine.json() == member
    assert [branch["branch_id"] for branch in member["branches"]] == shop.branches[:1]
    assert [one["account_id"] for one in people.json()["data"]] == [hired["account_id"]]
    assert (people.json()["status"], people.json()["tenant_status"]) == ("ACTIVE", "ACTIVE")
    assert strangers.json()["code"] == "NOT_FOUND"


def ask(api: Api, bearer: str, path: str, as_of: str, **more: str) -> httpx.Response:
    return api.call("GET", f"{path}?{urlencode({'as_of': as_of, **more})}", bearer)


def until_version(api: Api, auditor: str, path: str, version: int) -> dict[str, Any]:
    """What the log tells once it has recorded this much."""

    def told() -> dict[str, Any]:
        answer = ask(api, auditor, path, LATER)
        found: dict[str, Any] = answer.json()
        assert answer.status_code == 200, found
        return found if found["version"] >= version else {}

    return eventually_true(told, f"version {version} in the log")


def readings(api: Api, auditor: str, reader: str) -> set[str]:
    """The questions that the log tells of somebody."""
    page = ask(api, auditor, f"{AUDIT}/events", LATER, action="audit.read", actor=reader)
    return {event["data"]["question"] for event in page.json()["data"]} & PAST


def just_before(moment: str) -> str:
    return (datetime.fromisoformat(moment) - timedelta(microseconds=1)).isoformat()
