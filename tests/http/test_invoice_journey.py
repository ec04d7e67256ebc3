"""An invoice over HTTP, from the refusal with guidance to compliance's approval and the partner's suspension."""

from typing import Any
from uuid import uuid4

import httpx

from tests.http.conftest import Api, contact

INVOICES, PARTNERS = "/api/v1/invoices", "/api/v1/partners"
RECIPIENT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
TERMS = {"amount": "1250.5", "currency": "USD", "recipient": RECIPIENT, "reference": "INV-2026-0042"}
NOTES = "Payment seen on the receipt, recipient checked."


class Partner:
    """A partner over HTTP: its contact, and somebody else of its roster who works in compliance too."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.subject, self.insider = (f"{name}-{uuid4().hex[:12]}" for name in ("ada", "ben"))
        self.bearer = api.token(self.subject, "RolePartnerAdmin")
        application = api.application(self.subject, self.bearer)
        application["contacts"].append(contact(self.insider))
        answer = api.call("POST", PARTNERS, self.bearer, json=application)
        assert answer.status_code == 201, answer.text
        self.id, self.version = answer.json()["id"], 1

    def decide(self, verb: str) -> None:
        root = self.api.token("root-admin-1", "RoleRootAdmin")
        answer = self.api.call(
            "POST",
            f"{PARTNERS}/{self.id}/{verb}",
            root,
            json={"notes": "Registry extract and licence are in order.", "dossier_version": 1},
            headers={"If-Match": f'"{self.version}"'},
        )
        assert answer.status_code == 200, answer.text
        self.version = answer.json()["version"]

    def create(self, **changes: Any) -> httpx.Response:
        return self.api.call("POST", INVOICES, self.bearer, json=TERMS | changes)

    def created(self) -> dict[str, Any]:
        answer = self.create()
        assert answer.status_code == 201, answer.text
        invoice: dict[str, Any] = answer.json()
        return invoice

    def attach(self, invoice: dict[str, Any], object_key: str = "") -> httpx.Response:
        key = object_key or self.api.upload(self.bearer, "receipt", self.id)["object_key"]
        return self.api.call("POST", f"{INVOICES}/{invoice['id']}/receipt", self.bearer, json={"object_key": key})

    def judge(self, invoice: dict[str, Any], verb: str, subject: str, version: int | None = 2) -> httpx.Response:
        return self.api.call(
            "POST",
            f"{INVOICES}/{invoice['id']}/{verb}",
            self.api.token(subject, "RoleCompliance"),
            json={"notes": NOTES},
            headers={"If-Match": f'"{version}"'} if version else {},
        )


def approved(api: Api) -> Partner:
    partner = Partner(api)
    partner.decide("approve")
    return partner


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_partner_in_review_is_told_what_is_missing_and_what_comes_next(api: Api) -> None:  # S1.27
    refused = Partner(api).create()

    body = refused.json()
    assert refusal(refused) == (403, "PARTNER_NOT_APPROVED")
    assert "PENDING_REVIEW" in body["detail"]
    assert (body["reasons"], body["next_action"]) == (["REVIEW_PENDING"], "Wait for the review of the dossier.")


def test_an_invoice_is_created_once_for_one_key_and_found_where_it_says(api: Api) -> None:
    partner, key = approved(api), {"Idempotency-Key": uuid4().hex}

    first, second = (api.call("POST", INVOICES, partner.bearer, json=TERMS, headers=key) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    invoice = first.json()
    assert (invoice["state"], invoice["amount"], invoice["recipient"]) == ("CREATED", "1250.50", RECIPIENT)
    assert (first.headers["location"], first.headers["etag"]) == (f"{INVOICES}/{invoice['id']}", '"1"')
    found = api.call("GET", first.headers["location"], partner.bearer)
    assert (found.json(), found.headers["etag"]) == (invoice, '"1"')


def test_a_receipt_and_an_approval_by_somebody_else(api: Api) -> None:  # S1.28, K24
    partner = approved(api)
    invoice = partner.created()

    attached = partner.attach(invoice)
    done = partner.judge(invoice, "approve", "compliance-1")

    assert (attached.status_code, attached.json()["state"]) == (200, "RECEIPT_UPLOADED"), attached.text
    assert attached.json()["receipt"]["uploaded_by"] == partner.subject
    assert (done.status_code, done.json()["state"], done.json()["approved_by"]) == (200, "APPROVED", "compliance-1")
    assert {name: done.json()[name] for name in ("amount", "recipient")} == {
        "amount": "1250.50",
        "recipient": RECIPIENT,
    }
    assert refusal(partner.judge(invoice, "approve", "compliance-2", 3)) == (409, "INVOICE_STATE_INVALID")


def test_nobody_approves_for_their_own_partner(api: Api) -> None:
    partner = approved(api)
    invoice = partner.created()
    partner.attach(invoice)

    for subject in (partner.subject, partner.insider):
        assert refusal(partner.judge(invoice, "approve", subject)) == (403, "MAKER_CHECKER_VIOLATION")
    assert refusal(partner.judge(invoice, "approve", "compliance-1", None)) == (428, "PRECONDITION_REQUIRED")
    assert refusal(partner.judge(invoice, "approve", "compliance-1", 1)) == (412, "PRECONDITION_FAILED")
    path = f"{INVOICES}/{invoice['id']}/approve"
    officer = api.token("officer", "RoleSuperAdmin")
    answer = api.call("POST", path, officer, json={"notes": NOTES}, headers={"If-Match": '"2"'})
    assert refusal(answer) == (403, "ROLE_REQUIRED")


def test_another_partners_invoice_is_not_there(api: Api) -> None:
    mine, theirs = approved(api), approved(api)
    invoice = mine.created()
    receipt = theirs.api.upload(theirs.bearer, "receipt", theirs.id)["object_key"]

    assert refusal(api.call("GET", f"{INVOICES}/{invoice['id']}", theirs.bearer)) == (404, "NOT_FOUND")
    assert refusal(theirs.attach(invoice, receipt)) == (404, "NOT_FOUND")
    assert api.call("GET", INVOICES, theirs.bearer).json() == {"data": [], "has_more": False}
    assert [i["id"] for i in api.call("GET", INVOICES, mine.bearer).json()["data"]] == [invoice["id"]]
    assert api.call("GET", f"{INVOICES}/{invoice['id']}", api.token("aud", "RoleAuditor")).json() == invoice
    assert refusal(mine.attach(invoice, receipt)) == (403, "DOSSIER_KEY_FORBIDDEN")


def test_a_receipt_that_never_reached_the_store_is_none(api: Api) -> None:
    partner = approved(api)
    invoice = partner.created()
    wanted = {"kind": "receipt", "content_type": "application/pdf", "size": 9, "sha256": "ab" * 32}
    reserved = api.call("POST", "/api/v1/uploads", partner.bearer, json=wanted | {"partner_id": partner.id})

    refused = partner.attach(invoice, reserved.json()["object_key"])

    assert refusal(refused) == (422, "DOSSIER_OBJECT_NOT_FOUND")
    assert refused.json()["errors"][0]["pointer"] == "/object_key"


def test_one_receipt_backs_one_invoice(api: Api) -> None:
    partner = approved(api)
    first, second = partner.created(), partner.created()
    receipt = api.upload(partner.bearer, "receipt", partner.id)["object_key"]
    assert partner.attach(first, receipt).status_code == 200

    assert refusal(partner.attach(second, receipt)) == (409, "PROVIDER_TX_ID_REUSED")


def test_wrong_terms_are_named_by_their_pointer(api: Api) -> None:
    partner = approved(api)

    wrong: dict[str, dict[str, Any]] = {
        "AMOUNT_INVALID": {"amount": "1.001"},
        "TOKEN_UNSUPPORTED": {"currency": "BTC"},
        "RECIPIENT_INVALID": {"recipient": RECIPIENT.lower().replace("a", "A", 1)},
        "INVOICE_LIMIT_EXCEEDED": {"amount": "1000000.01"},
        "VALIDATION_FAILED": {"amount": 1250.5},
    }
    for code, change in wrong.items():
        refused = partner.create(**change)
        assert refusal(refused) == (422, code)
        assert [error["pointer"] for error in refused.json()["errors"]] == [f"/{next(iter(change))}"]


def test_a_stranger_has_no_partner_to_invoice_for(api: Api) -> None:
    stranger = api.token(f"eve-{uuid4().hex[:12]}", "RolePartnerAdmin")

    assert refusal(api.call("POST", INVOICES, stranger, json=TERMS)) == (403, "NOT_PARTNER_CONTACT")


def test_a_suspension_stops_invoices_receipts_and_approvals_at_once(api: Api) -> None:  # S1.38
    partner = approved(api)
    paid, unpaid = partner.created(), partner.created()
    partner.attach(paid)
    receipt = api.upload(partner.bearer, "receipt", partner.id)["object_key"]

    partner.decide("reject")

    for refused in (partner.create(), partner.attach(unpaid, receipt), partner.judge(paid, "approve", "compliance-1")):
        assert refusal(refused) == (403, "PARTNER_NOT_APPROVED")
        assert (refused.json()["reasons"], refused.json()["next_action"]) == (["SUSPENDED"], "Ask for reinstatement.")
    assert partner.judge(paid, "reject", "compliance-1").json()["state"] == "REJECTED"
    partner.decide("reinstate")
    assert partner.create().status_code == 201
