"""Whatever is done to an invoice in whatever order: only legal moves, exact caps, exact versions."""

import asyncio
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from deploy.local.stack import Stack
from services.chassis.database import connect
from tests.partners.invoices.life import InvoiceLife

SHORT = settings(max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(SHORT, max_examples=2000, stateful_step_count=50)

EVERY_ANSWER = {
    *(("invoice.create", code) for code in ("", "NOT_PARTNER_CONTACT", "CONTACT_REMOVED", "PARTNER_NOT_APPROVED")),
    *(("invoice.create", code) for code in ("AMOUNT_INVALID", "INVOICE_LIMIT_EXCEEDED")),
    *(("invoice.attach_receipt", code) for code in ("", "NOT_FOUND", "CONTACT_REMOVED", "PARTNER_NOT_APPROVED")),
    *(("invoice.attach_receipt", code) for code in ("PROVIDER_TX_ID_REUSED", "INVOICE_STATE_INVALID")),
    *(("invoice.approve", code) for code in ("", "PARTNER_NOT_APPROVED", "MAKER_CHECKER_VIOLATION")),
    *(("invoice.approve", code) for code in ("INVOICE_STATE_INVALID", "PRECONDITION_FAILED", "BRANCH_CAP_EXCEEDED")),
    *(("invoice.reject", code) for code in ("", "MAKER_CHECKER_VIOLATION", "INVOICE_STATE_INVALID")),
    ("invoice.reject", "PRECONDITION_FAILED"),
    ("invoice.expire", ""),
}
"""Two thousand lives that miss one of these would show less than they say."""


def live(stack: Stack, profile: settings) -> Counter[tuple[str, str]]:
    """Run the machine on the real database; how often each command was answered in each way."""
    with asyncio.Runner() as runner:
        engine = connect(stack.state.dsn("partners", driver="postgresql+asyncpg"))
        InvoiceLife.runner, InvoiceLife.engine, InvoiceLife.answers = runner, engine, Counter()
        try:
            run_state_machine_as_test(InvoiceLife, settings=profile)
        finally:
            runner.run(engine.dispose())
    return InvoiceLife.answers


def test_an_invoice_lives_as_the_model_says(stack: Stack) -> None:
    answers = live(stack, SHORT)

    assert {command for command, code in answers if not code} > {"invoice.attach_receipt", "invoice.approve"}


@pytest.mark.faults
def test_two_thousand_lives_of_an_invoice(stack: Stack) -> None:
    answers = live(stack, LONG)

    assert sum(answers.values()) > 10_000
    assert {(command, code) for command, code in answers if command.startswith("invoice.")} == EVERY_ANSWER
