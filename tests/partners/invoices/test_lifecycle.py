"""Every state times every move; time ends what is not signed; terms never change (K24)."""

from datetime import timedelta
from itertools import pairwise

import pytest

from contracts.invoices import InvoiceState
from services.chassis import Reply
from services.partners.invoices.invoice import NOT_COMPLETED, UNSIGNED, Invoice
from tests.partners.desk import code
from tests.partners.invoices.till import Till, seen, told


@pytest.mark.parametrize("state", InvoiceState)
@pytest.mark.parametrize("move", ["attach", "approve", "reject"])
def test_every_move_outside_the_lifecycle_is_refused_and_changes_nothing(state: InvoiceState, move: str) -> None:
    """Each state times each command."""
    till = Till()
    invoice = till.created()
    invoice.state = state
    legal = state in LEGAL[move]

    outcome = getattr(till, move)(invoice)

    assert isinstance(outcome, Reply) is legal
    if not legal:
        assert code(outcome) == "INVOICE_STATE_INVALID"
        assert (invoice.state, invoice.version) == (state, 1)
        assert till.used() == 0


LEGAL = {
    "attach": {InvoiceState.CREATED},
    "approve": {InvoiceState.RECEIPT_UPLOADED},
    "reject": {InvoiceState.CREATED, InvoiceState.RECEIPT_UPLOADED, InvoiceState.APPROVED},
}


@pytest.mark.parametrize("state", InvoiceState)
def test_time_ends_what_is_not_signed_and_nothing_else(state: InvoiceState) -> None:
    till = Till()
    invoice = till.created()
    invoice.state = state
    till.now = invoice.expires_at

    reply = till.expire(invoice)

    assert isinstance(reply, Reply)
    if state in UNSIGNED:
        assert (seen(reply).state, seen(reply).reason_code) == (InvoiceState.EXPIRED, NOT_COMPLETED)
        assert told(reply) == ["invoice.expired"]
    else:
        assert (reply.status, reply.facts, invoice.state, invoice.version) == (204, (), state, 1)


def test_an_expiry_that_comes_twice_or_too_early_does_nothing() -> None:
    till = Till()
    invoice = till.created()

    early = till.expire(invoice)
    till.now = invoice.expires_at
    first, second = till.expire(invoice), till.expire(invoice)

    assert [isinstance(reply, Reply) and reply.status for reply in (early, first, second)] == [204, 200, 204]
    assert invoice.version == 2


@pytest.mark.parametrize("move", ["attach", "approve", "reject"])
def test_the_deadline_binds_although_the_timer_is_late(move: str) -> None:
    till = Till()
    invoice = till.created() if move == "attach" else till.paid()
    key = till.proof()
    till.now = invoice.expires_at

    outcome = till.attach(invoice, key) if move == "attach" else getattr(till, move)(invoice)

    assert code(outcome) == "INVOICE_STATE_INVALID"


def test_updated_at_moves_with_every_change_even_within_one_moment() -> None:
    till = Till()
    invoice = till.created()
    moments = [invoice.updated_at]
    for move in (till.attach, till.approve, till.reject):
        till.now = invoice.created_at - timedelta(seconds=10)
        seen(move(invoice))
        moments.append(invoice.updated_at)

    assert all(earlier < later for earlier, later in pairwise(moments))


def test_an_invoice_keeps_its_terms_whatever_becomes_of_it() -> None:  # K24
    till = Till()
    invoice = till.paid()
    terms = _terms(invoice)

    seen(till.approve(invoice))
    seen(till.reject(invoice))

    assert _terms(invoice) == terms


def _terms(invoice: Invoice) -> tuple[object, ...]:
    return invoice.partner_id, invoice.amount, invoice.currency, invoice.recipient, invoice.created_by
