"""What compliance says: on what it read, never on its own invoice, within the caps, behind the gate (K17, K24)."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest

from contracts.invoices import (
    ApproveInvoice,
    InvoiceApproved,
    InvoiceState,
    JudgeInvoice,
    RejectInvoice,
)
from contracts.message import Actor
from contracts.partners import PartnerState
from contracts.roles import Role
from services.chassis import Reply
from services.chassis.outcome import authorise
from services.partners.invoices.invoice import REJECTED
from services.partners.invoices.limits import Ceilings, Limits
from tests.partners.desk import ADA, EVE, code, person
from tests.partners.invoices.till import BEN, CARL, CLARA, NOTES, RECIPIENT, Till, seen, told

BOTH = pytest.mark.parametrize("kind", [ApproveInvoice, RejectInvoice])


def test_an_approval_names_who_and_repeats_the_terms_in_its_event() -> None:  # K24
    till = Till()
    invoice = till.paid(amount="250.5")

    reply = till.approve(invoice)

    shown = seen(reply)
    assert isinstance(reply, Reply)
    assert (shown.state, shown.approved_by, shown.version) == (InvoiceState.APPROVED, CARL.subject, 3)
    assert told(reply) == ["invoice.approved"]
    approved = reply.facts[0].data
    assert isinstance(approved, InvoiceApproved)
    assert (approved.amount, approved.currency, approved.recipient) == ("250.50", "USD", RECIPIENT)
    assert approved.notes == NOTES


def test_a_rejection_is_for_good_and_says_why() -> None:
    till = Till()
    invoice = till.paid()

    reply = till.reject(invoice)

    assert (seen(reply).state, seen(reply).reason_code) == (InvoiceState.REJECTED, REJECTED)
    assert told(reply) == ["invoice.rejected"]
    assert code(till.approve(invoice)) == "INVOICE_STATE_INVALID"


@BOTH
def test_only_compliance_judges(kind: type[JudgeInvoice]) -> None:
    command = kind(invoice_id=uuid4(), expected_version=1)
    others = [person("x", role) for role in Role if role is not Role.COMPLIANCE]

    refused = [authorise(command, actor) for actor in others]

    assert [refusal and refusal.code for refusal in refused] == ["ROLE_REQUIRED"] * len(others)
    assert authorise(command, CARL) is None


@BOTH
@pytest.mark.parametrize("notes", ["", "too short", "x" * 1025])
def test_notes_have_10_to_1024_characters(kind: type[JudgeInvoice], notes: str) -> None:  # S1.44
    till = Till()

    assert code(till.judge(kind, till.paid(), notes=notes)) == "NOTES_REQUIRED"


@BOTH
def test_an_unknown_invoice_is_not_found(kind: type[JudgeInvoice]) -> None:
    till = Till()

    assert code(till.judge(kind, till.paid(), invoice_id=uuid4())) == "NOT_FOUND"


@BOTH
def test_a_judgement_on_what_was_not_read_is_refused(kind: type[JudgeInvoice]) -> None:  # K24
    till = Till()
    invoice = till.paid()

    assert code(till.judge(kind, invoice, expected_version=1)) == "PRECONDITION_FAILED"
    assert (invoice.state, invoice.version) == (InvoiceState.RECEIPT_UPLOADED, 2)


def also(actor: Actor, *roles: Role) -> Actor:
    return actor.model_copy(update={"roles": actor.roles | set(roles)})


@BOTH
def test_the_creator_does_not_judge_even_after_leaving_the_roster(kind: type[JudgeInvoice]) -> None:
    till = Till()
    invoice = till.created(BEN)
    seen(till.attach(invoice))
    till.book.partners[till.acme].contacts.pop()  # as if it never was in it

    assert code(till.judge(kind, invoice, also(BEN, Role.COMPLIANCE))) == "MAKER_CHECKER_VIOLATION"


@BOTH
def test_whoever_uploaded_the_receipt_does_not_judge(kind: type[JudgeInvoice]) -> None:
    till = Till()
    invoice = till.created(ADA)
    seen(till.attach(invoice, till.proof(BEN)))
    till.book.partners[till.acme].contacts.pop()  # as if it never was in it

    assert code(till.judge(kind, invoice, also(BEN, Role.COMPLIANCE))) == "MAKER_CHECKER_VIOLATION"


@BOTH
def test_a_contact_of_the_partner_does_not_judge(kind: type[JudgeInvoice]) -> None:
    till = Till()
    invoice = till.paid()

    assert code(till.judge(kind, invoice, also(BEN, Role.COMPLIANCE))) == "MAKER_CHECKER_VIOLATION"
    till.staff(till.acme, ADA)
    assert code(till.judge(kind, invoice, also(BEN, Role.COMPLIANCE))) == "MAKER_CHECKER_VIOLATION"


def test_a_contact_of_another_partner_with_the_role_may_judge() -> None:
    till = Till()

    assert seen(till.approve(till.paid(), also(EVE, Role.COMPLIANCE))).approved_by == EVE.subject


def test_the_same_subject_of_another_issuer_is_another_person() -> None:  # S1.9
    till = Till()
    namesake = also(ADA, Role.COMPLIANCE).model_copy(update={"issuer": "https://other.example"})

    assert seen(till.approve(till.paid(), namesake)).approved_by == ADA.subject


def test_creator_uploader_and_approver_have_acted_and_nobody_else_has() -> None:
    till = Till()
    invoice = till.created(ADA)
    seen(till.attach(invoice, till.proof(BEN)))
    seen(till.approve(invoice))

    acted = {actor.subject: invoice.has_acted((actor.issuer, actor.subject)) for actor in (ADA, BEN, CARL, CLARA)}

    assert acted == {ADA.subject: True, BEN.subject: True, CARL.subject: True, CLARA.subject: False}
    assert not invoice.has_acted(("https://other.example", CARL.subject))


def test_the_gate_is_asked_again_at_approval() -> None:
    till = Till()
    invoice = till.paid()
    till.book.partners[till.acme].state = PartnerState.SUSPENDED

    assert code(till.approve(invoice)) == "PARTNER_NOT_APPROVED"
    assert seen(till.reject(invoice)).state is InvoiceState.REJECTED


def test_a_recipient_taken_off_the_list_is_not_approved_any_more(tmp_path: Path) -> None:
    file = tmp_path / "recipients"
    file.write_text(f"{RECIPIENT}\n")
    till = Till(file)
    invoice = till.paid()
    file.write_text("\n")
    till.book.ledger.rules.recipients.refresh()

    assert code(till.approve(invoice)) == "RECIPIENT_NOT_APPROVED"
    assert till.used() == 0


def test_a_currency_that_is_not_supported_any_more_is_not_approved() -> None:
    till = Till()
    invoice = till.paid()
    rules = till.book.ledger.rules
    object.__setattr__(rules, "limits", Limits({"JPY": Ceilings(Decimal(1), Decimal(1), Decimal(1))}))

    assert code(till.approve(invoice)) == "TOKEN_UNSUPPORTED"


def test_approvals_of_a_day_stay_within_the_partners_cap() -> None:  # K17
    till = Till()
    invoices = [till.paid(amount="1000") for _ in range(3)]

    answers = [till.approve(invoice) for invoice in invoices]

    assert [isinstance(answer, Reply) for answer in answers] == [True, True, False]
    assert code(answers[-1]) == "BRANCH_CAP_EXCEEDED"
    assert invoices[-1].state is InvoiceState.RECEIPT_UPLOADED


def test_partners_share_the_cap_of_the_region() -> None:  # K17
    till = Till()
    for _ in range(2):
        seen(till.approve(till.paid(amount="1000")))
    theirs = []
    for _ in range(3):
        invoice = till.created(EVE, amount="1000")
        seen(till.attach(invoice, till.proof(EVE, till.other), EVE))
        theirs.append(invoice)

    answers = [till.approve(invoice) for invoice in theirs]

    assert [isinstance(answer, Reply) for answer in answers] == [True, True, False]
    assert code(answers[-1]) == "BRANCH_CAP_EXCEEDED"
    small = till.paid(amount="0.01")
    assert code(till.approve(small)) == "REGION_CAP_EXCEEDED"


def test_a_new_day_has_its_own_caps() -> None:
    till = Till()
    for _ in range(2):
        seen(till.approve(till.paid(amount="1000")))
    third = till.paid(amount="1000")
    assert code(till.approve(third)) == "BRANCH_CAP_EXCEEDED"

    till.now += timedelta(days=1)

    assert seen(till.approve(third)).state is InvoiceState.APPROVED


def test_usage_is_not_given_back() -> None:
    till = Till()
    invoice = till.paid(amount="1000")
    seen(till.approve(invoice))
    before = till.used()

    seen(till.reject(invoice))

    assert till.used() == before
