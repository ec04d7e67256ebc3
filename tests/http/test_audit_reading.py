"""A14 over HTTP: the filters as they stand in a URL, and what is said of those that make no sense."""

from typing import Any
from urllib.parse import urlencode

import pytest

from deploy.local.stack import Stack
from tests.http.conftest import Api
from tests.support import eventually_true, partner_admin

pytestmark = pytest.mark.usefixtures("audit")
EVENTS = "/api/v1/audit/events"


async def test_an_auditor_filters_by_target_person_outcome_and_time(api: Api, stack: Stack) -> None:  # A14
    maria = partner_admin(stack)
    partner, auditor = api.token(maria.subject, "RolePartnerAdmin"), api.token("anna", "RoleAuditor")

    def ask(**filters: Any) -> Any:
        return api.call("GET", f"{EVENTS}?{urlencode(filters)}", auditor)

    def seen(**filters: Any) -> list[str]:
        return [told["id"] for told in ask(**filters).json()["data"]]

    target = api.upload(partner, "kyb")["partner_id"]
    (event,) = eventually_true(lambda: ask(target=f"partner:{target}").json()["data"], "the event in the log")
    at = event["recorded_at"]
    found = [
        seen(target=target, **more)
        for more in ({}, {"from": at}, {"to": at}, {"outcome": "SUCCEEDED"}, {"outcome": "FAILED"})
    ]
    mine = seen(person=maria.subject)
    after = seen(target=target, starting_after=event["id"])
    refused = [
        ask(**{"from": "2026-11-23T00:00:00Z", "to": "2026-11-22T00:00:00Z"}),
        ask(**{"from": "yesterday"}),
        ask(outcome="PERHAPS"),
        ask(starting_after="x"),
        ask(colour="red"),
    ]
    stranger = api.call("GET", EVENTS, partner)

    assert found == [[event["id"]], [event["id"]], [], [event["id"]], []]
    assert event["id"] in mine
    assert after == []
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [
        (422, "AUDIT_RANGE_INVALID"),
        (422, "VALIDATION_FAILED"),
        (422, "VALIDATION_FAILED"),
        (400, "CURSOR_INVALID"),
        (422, "VALIDATION_FAILED"),
    ]
    assert stranger.json()["code"] == "ROLE_REQUIRED"
