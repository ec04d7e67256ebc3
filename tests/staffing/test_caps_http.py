"""A service with the caps of production, seen over HTTP: the answer says when to come again."""

from collections.abc import Iterator

import httpx
import pytest

from deploy.local.stack import Stack
from tests.staffing.office import Office, new_phone
from tests.support import ServiceProcess, together
from tests.support.web import NO_TLS

TIGHT = {
    "GATEHOUSE_OTP_COOLDOWN_SECONDS": "30",
    "GATEHOUSE_OTP_HOURLY_PER_PHONE": "5",
    "GATEHOUSE_OTP_HOURLY_PER_IP": "4",
}


@pytest.fixture
def gateway(stack: Stack, office: Office) -> Iterator[httpx.Client]:
    office.limited()
    with (
        together(ServiceProcess(stack, "gateway"), ServiceProcess(stack, "staffing", env=TIGHT)) as (gateway, _),
        httpx.Client(base_url=gateway.url, trust_env=False, verify=NO_TLS, timeout=30) as client,
    ):
        yield client
    office.limited()


def test_a_cap_is_429_with_retry_after_for_known_and_unknown_phones(gateway: httpx.Client) -> None:
    def ask(phone: str) -> httpx.Response:
        return gateway.post("/api/v1/activation", json={"phone": phone})

    first, second = new_phone(), new_phone()

    answers = [ask(first), ask(first), ask(second), ask(second), ask(new_phone()), ask(new_phone()), ask(new_phone())]

    assert [(answer.status_code, answer.json()["code"] if answer.content else None) for answer in answers] == [
        (202, None),
        (429, "OTP_COOLDOWN"),
        (202, None),
        (429, "OTP_COOLDOWN"),
        (202, None),
        (202, None),
        (429, "OTP_RATE_LIMIT"),
    ]
    assert 20 <= int(answers[1].headers["retry-after"]) <= 30
    assert 3500 <= int(answers[6].headers["retry-after"]) <= 3600
    assert answers[6].json()["retry_after"] == int(answers[6].headers["retry-after"])
