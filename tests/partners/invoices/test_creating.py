"""Who may invoice, and on what terms (S1.27, K24)."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.decisions import RejectPartner
from contracts.invoices import InvoiceState
from contracts.partners import PartnerState
from contracts.roles import Role
from services.chassis import Refusal, Reply
from tests.partners.desk import ADA, EVE, code, person
from tests.partners.invoices.till import BEN, RECIPIENT, Till, seen, told


def test_an_invoice_is_answered_with_its_location_and_one_event() -> None:
    till = Till()

    reply = till.create(BEN, amount="250.5")

    invoice = seen(reply)
    assert isinstance(reply, Reply)
    assert (reply.status, reply.etag, reply.location) == (201, '"1"', f"/api/v1/invoices/{invoice.id}")
    assert (invoice.state, invoice.amount, invoice.recipient) == (InvoiceState.CREATED, "250.50", RECIPIENT)
    assert (invoice.partner_id, invoice.created_by) == (till.acme, BEN.subject)
    assert invoice.expires_at == till.now + timedelta(hours=168)
    assert told(reply) == ["invoice.created"]
    assert [target.type for target in reply.facts[0].targets] == ["invoice", "partner"]


def test_each_caller_invoices_for_their_own_partner() -> None:
    till = Till()

    assert seen(till.create(ADA)).partner_id == till.acme
    assert seen(till.create(EVE)).partner_id == till.other


def test_a_stranger_is_told_that_only_contacts_invoice() -> None:
    till = Till()

    assert code(till.create(person("stranger", Role.PARTNER_ADMIN))) == "NOT_PARTNER_CONTACT"
    assert code(till.create(ADA.model_copy(update={"issuer": "https://evil.example"}))) == "NOT_PARTNER_CONTACT"


def test_a_removed_contact_is_told_so() -> None:  # S1.42
    till = Till()
    till.staff(till.acme, ADA)

    assert code(till.create(BEN)) == "CONTACT_REMOVED"


def test_somebody_who_left_one_partner_and_joined_another_invoices_for_the_other() -> None:
    till = Till()
    till.staff(till.acme, ADA)
    till.staff(till.other, EVE, BEN)

    assert seen(till.create(BEN)).partner_id == till.other


@pytest.mark.parametrize("state", [state for state in PartnerState if state is not PartnerState.APPROVED])
def test_the_gate_is_closed_before_approval_with_guidance_of_its_own(state: PartnerState) -> None:  # S1.27-29
    till = Till()
    till.book.partners[till.acme].state = state

    refused = till.create()

    assert isinstance(refused, Refusal)
    assert code(refused) == "PARTNER_NOT_APPROVED"
    assert state.value in refused.detail
    assert refused.extra["reasons"]
    assert refused.extra["next_action"] == GUIDANCE[state]


GUIDANCE = {
    PartnerState.PENDING_REVIEW: "Wait for the review of the dossier.",
    PartnerState.INFO_REQUESTED: "Answer what was asked for.",
    PartnerState.REJECTED: "File a new dossier.",
    PartnerState.SUSPENDED: "Ask for reinstatement.",
}


def test_an_expired_document_closes_the_gate() -> None:
    till = Till()
    till.now += timedelta(days=366)

    assert code(till.create()) == "DOSSIER_EXPIRED"


def test_the_gate_comes_before_any_field() -> None:
    till = Till(approved=False)

    refused = till.create(amount="nonsense", currency="ZZZ", recipient="nobody")

    assert code(refused) == "PARTNER_NOT_APPROVED"


def test_a_suspended_partner_invoices_nothing_more() -> None:  # S1.38
    till = Till()
    seen(till.create())

    till.decide_on(till.acme, kind=RejectPartner)

    assert code(till.create()) == "PARTNER_NOT_APPROVED"


@pytest.mark.parametrize(
    ("changes", "wanted", "pointer"),
    [
        ({"currency": "BTC"}, "TOKEN_UNSUPPORTED", "/currency"),
        ({"currency": "EUR"}, "TOKEN_UNSUPPORTED", "/currency"),
        ({"amount": "12.345"}, "AMOUNT_INVALID", "/amount"),
        ({"amount": "12.5", "currency": "JPY"}, "AMOUNT_INVALID", "/amount"),
        ({"amount": "-1"}, "AMOUNT_INVALID", "/amount"),
        ({"amount": "0.00"}, "AMOUNT_INVALID", "/amount"),
        ({"amount": "1000.01"}, "INVOICE_LIMIT_EXCEEDED", "/amount"),
        ({"recipient": RECIPIENT.swapcase().replace("0X", "0x")}, "RECIPIENT_INVALID", "/recipient"),
        ({"recipient": "somebody"}, "RECIPIENT_INVALID", "/recipient"),
    ],
)
def test_terms_that_cannot_be_are_named_by_their_pointer(changes: dict[str, Any], wanted: str, pointer: str) -> None:
    till = Till()

    refused = till.create(**changes)

    assert isinstance(refused, Refusal)
    assert code(refused) == wanted
    assert [(error.pointer, error.code) for error in refused.extra["errors"]] == [(pointer, wanted)]
    assert not till.book.ledger.new


def test_every_wrong_field_is_named_at_once() -> None:
    till = Till()

    refused = till.create(amount="1e3", recipient="somebody")

    assert isinstance(refused, Refusal)
    assert [error.pointer for error in refused.extra["errors"]] == ["/amount", "/recipient"]


def test_the_largest_invoice_is_the_limit_itself() -> None:
    till = Till()

    assert till.created(amount="1000").amount == Decimal(1000)


def test_a_recipient_off_the_list_is_not_approved(tmp_path: Path) -> None:
    file = tmp_path / "recipients"
    file.write_text("0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359\n")
    till = Till(file)

    refused = till.create()

    assert isinstance(refused, Refusal)
    assert code(refused) == "RECIPIENT_NOT_APPROVED"
    assert refused.extra["errors"][0].pointer == "/recipient"
