"""Sign-and-submit over HTTP, with the mint worker, the fake node and the log behind it (S1.30, K15, K24)."""

import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from deploy.local.stack import Stack
from deploy.voucher_proof import Keys, prove
from tests.http.conftest import Api
from tests.http.test_invoice_journey import INVOICES, Partner, approved, refusal
from tests.support import ServiceProcess, eventually_true


@pytest.fixture(scope="module")
def worker(stack: Stack, api: Api, audit: ServiceProcess) -> Iterator[ServiceProcess]:
    with ServiceProcess(stack, "mint") as mint:
        yield mint


def payable(api: Api) -> tuple[Partner, dict[str, Any]]:
    """An invoice that compliance has approved."""
    partner = approved(api)
    invoice = partner.created()
    partner.attach(invoice)
    done = partner.judge(invoice, "approve", "compliance-1")
    assert done.status_code == 200, done.text
    return partner, done.json()


def sign(api: Api, invoice: dict[str, Any], subject: str = "treasurer-1", **body: Any) -> httpx.Response:
    path = f"/ops/otc/invoices/{invoice['id']}/sign-and-submit"
    return api.call("POST", path, api.token(subject, "RoleSuperAdmin"), json=body)


def test_an_invoice_is_minted_and_its_voucher_proves_itself(api: Api, worker: ServiceProcess) -> None:
    partner, invoice = payable(api)

    answer = sign(api, invoice)

    assert (answer.status_code, answer.json()["state"]) == (200, "SUBMITTED"), answer.text
    bundle = f"{INVOICES}/{invoice['id']}/voucher"
    eventually_true(lambda: api.call("GET", bundle, partner.bearer).status_code == 200, "the log has recorded it")
    keys = Keys.from_jwks(api.call("GET", "/.well-known/jwks.json").content)
    proven = prove(api.call("GET", bundle, partner.bearer).content, keys)
    assert (proven.document.amount, proven.document.invoice_id) == ("1250.50", invoice["id"])
    assert api.call("GET", bundle, api.token("eve", "RolePartnerAdmin")).status_code == 404


def test_sign_and_submit_takes_no_amount_and_no_recipient(api: Api, worker: ServiceProcess) -> None:  # K24
    _, invoice = payable(api)

    for field in ({"amount": "1.00"}, {"recipient": "0x"}, {"surprise": True}):
        assert refusal(sign(api, invoice, **field)) == (422, "VALIDATION_FAILED")


def test_only_a_super_admin_who_had_no_hand_in_it_signs(api: Api, worker: ServiceProcess) -> None:
    _, invoice = payable(api)
    path = f"/ops/otc/invoices/{invoice['id']}/sign-and-submit"

    assert refusal(api.call("POST", path, api.token("sue", "RoleCompliance"), json={})) == (403, "ROLE_REQUIRED")
    assert refusal(sign(api, invoice, "compliance-1")) == (403, "MAKER_CHECKER_VIOLATION")
    assert refusal(api.call("GET", f"{INVOICES}/{invoice['id']}/voucher", api.token("aud", "RoleAuditor"))) == (
        409,
        "INVOICE_STATE_INVALID",
    )


def test_a_suspended_partner_gets_guidance_instead(api: Api, worker: ServiceProcess) -> None:
    partner, invoice = payable(api)
    partner.decide("reject")

    refused = sign(api, invoice)

    assert refusal(refused) == (403, "PARTNER_NOT_APPROVED")
    assert refused.json()["next_action"]


def test_a_late_outcome_is_202_and_the_operation_tells_it(api: Api, worker: ServiceProcess) -> None:
    _, invoice = payable(api)
    worker.signal(signal.SIGSTOP)
    try:
        late = sign(api, invoice)
        path, bearer = late.headers["location"], api.token("treasurer-1", "RoleSuperAdmin")
        assert (late.status_code, api.call("GET", path, bearer).json()) == (202, {"status": "pending"})
    finally:
        worker.signal(signal.SIGCONT)

    eventually_true(lambda: api.call("GET", path, bearer).json()["status"] == "succeeded", "the operation succeeds")
    outcome = api.call("GET", path, bearer).json()
    assert (outcome["http_status"], outcome["result"]["id"]) == (200, invoice["id"])
