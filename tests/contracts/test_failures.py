"""The table of failure codes is complete and says what its statuses promise."""

import re
from pathlib import Path

import pytest

from contracts.failures import FAILURES, Code, is_binding, problem


def test_every_code_has_one_entry() -> None:
    assert set(FAILURES) == set(Code)


@pytest.mark.parametrize("code", Code)
def test_a_problem_says_what_its_code_means(code: Code) -> None:
    body = problem(code, "req-1")

    assert body.type == f"/problems/{code}"
    assert body.status == FAILURES[code].status
    assert body.title
    assert body.request_id == "req-1"


@pytest.mark.parametrize("status", [401, 403, 404, 422, 429, 500, 502, 503])
def test_an_answer_that_may_change_is_never_pinned_to_a_key(status: int) -> None:
    assert not is_binding(status)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 409, 412])
def test_an_answer_that_stands_is_pinned_to_its_key(status: int) -> None:
    assert is_binding(status)


def test_only_failures_that_pass_are_retryable() -> None:
    retryable = {code for code, entry in FAILURES.items() if entry.retryable}

    assert retryable == {
        Code.IDEMPOTENCY_IN_PROGRESS,
        Code.DEPENDENCY_UNAVAILABLE,
        Code.HSM_UNAVAILABLE,
        Code.SIGNING_DISABLED,
        Code.VOUCHER_OUTCOME_UNKNOWN,
        Code.RATE_LIMITED,
        Code.OTP_COOLDOWN,
        Code.OTP_RATE_LIMIT,
    }


REPOSITORY = Path(__file__).parents[2]


def _text_of(folder: str, leave_out: str = "-") -> str:
    files = (file for file in (REPOSITORY / folder).rglob("*.py") if leave_out not in file.parts)
    return "\n".join(file.read_text() for file in files)


@pytest.mark.parametrize("code", Code)
def test_every_code_is_produced_by_a_service(code: Code) -> None:
    assert re.search(rf"\bCode\.{code.name}\b", _text_of("services"))


@pytest.mark.parametrize("code", Code)
def test_every_code_is_seen_in_a_test(code: Code) -> None:
    assert re.search(rf"\b{code.name}\b", _text_of("tests", leave_out="contracts"))
