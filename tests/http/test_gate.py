"""What is due and why, over HTTP (K1)."""

from typing import Any
from uuid import uuid4

import httpx

from tests.http.conftest import Api

PARTNERS = "/api/v1/partners"


def get(api: Api, partner_id: str, question: str, bearer: str) -> httpx.Response:
    return api.call("GET", f"{PARTNERS}/{partner_id}/{question}", bearer)


def decided(api: Api, partner_id: str, verb: str, version: int) -> None:
    root = api.token("root-admin-1", "RoleRootAdmin")
    body = {"notes": "Registry extract and licence are in order.", "dossier_version": 1}
    headers = {"If-Match": f'"{version}"'}
    answer = api.call("POST", f"{PARTNERS}/{partner_id}/{verb}", root, json=body, headers=headers)
    assert answer.status_code == 200, answer.text


def applied(api: Api) -> tuple[str, dict[str, Any]]:
    """Token and partner of an application that was taken in."""
    subject = f"ada-{uuid4().hex[:12]}"
    bearer = api.token(subject, "RolePartnerAdmin")
    answer = api.call("POST", PARTNERS, bearer, json=api.application(subject, bearer))
    assert answer.status_code == 201, answer.text
    return bearer, answer.json()


def test_an_applicant_reads_what_it_waits_for_and_who_can_open_the_gate(api: Api) -> None:
    bearer, partner = applied(api)

    due = get(api, partner["id"], "requirements", bearer).json()
    why = get(api, partner["id"], "explain", bearer).json()

    assert [(one["code"], one["who"]) for one in due["currently_due"]] == [("REVIEW_PENDING", "root_admin")]
    assert (due["errors"], due["current_deadline"], due["gate"]["open"]) == ([], None, False)
    assert due["gate"]["capabilities"]["voucher.mint"] == {
        "open": False,
        "code": "PARTNER_NOT_APPROVED",
        "reasons": ["REVIEW_PENDING"],
    }
    assert why["facts"]["state"] == "PENDING_REVIEW"
    assert why["facts"]["documents"][0]["expires_at"].endswith("Z")
    assert [(c["change"], c["who"]) for c in why["capabilities"]["invoice.create"]["changes"]] == [
        ("approve", ["root_admin"])
    ]


def test_an_approval_opens_the_gate_and_a_suspension_closes_it_at_once(api: Api) -> None:  # S1.27, S1.38
    bearer, partner = applied(api)

    decided(api, partner["id"], "approve", 1)
    opened = get(api, partner["id"], "requirements", bearer).json()
    decided(api, partner["id"], "reject", 2)
    closed = get(api, partner["id"], "requirements", bearer).json()

    assert (opened["currently_due"], opened["errors"], opened["gate"]["open"]) == ([], [], True)
    assert opened["current_deadline"].endswith("Z")
    assert [one["code"] for one in closed["currently_due"]] == ["SUSPENDED"]
    assert not any(one["open"] for one in closed["gate"]["capabilities"].values())


def test_a_stranger_gets_404_for_a_partner_and_for_none(api: Api) -> None:
    _, partner = applied(api)
    stranger = api.token(f"eve-{uuid4().hex[:12]}", "RolePartnerAdmin")

    for question in ("requirements", "explain"):
        answers = [get(api, one, question, stranger) for one in (partner["id"], str(uuid4()))]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert [answer.json()["code"] for answer in answers] == ["NOT_FOUND", "NOT_FOUND"]
