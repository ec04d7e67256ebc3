"""What compliance says: on what it read, never on its own invoice, within the caps, behind the gate (K17, K24)."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
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
from services.partners.invoices.invoice import NOT_COMPLETED, REJECTED, UNSIGNED, Invoice
from services.partners.invoices.limits import Ceilings, Limits
from tests.partners.desk import ADA, EVE, code, person
from tests.partners.invoices.counter import BEN, CARL, CLARA, NOTES, RECIPIENT, Counter, seen, told

BOTH = pytest.mark.parametrize("kind", [ApproveInvoice, RejectInvoice])


def test_an_approval_names_who_and_repeats_the_terms_in_its_event() -> None:  # K24
    counter = Counter()
    invoice = counter.paid(amount="250.5")

    reply = counter.approve(invoice)

    shown = seen(reply)
    assert isinstance(reply, Reply)
    assert (shown.state, shown.approved_by, shown.version) == (InvoiceState.APPROVED, CARL.subject, 3)
    assert told(reply) == ["invoice.approved"]
    approved = reply.facts[0].data
    assert isinstance(approved, InvoiceApproved)
    assert (approved.amount, approved.currency, approved.recipient) == ("250.50", "USD", RECIPIENT)
    assert approved.notes == NOTES


def test_a_rejection_is_for_good_and_says_why() -> None:
    counter = Counter()
    invoice = counter.paid()

    reply = counter.reject(invoice)

    assert (seen(reply).state, seen(reply).reason_code) == (InvoiceState.REJECTED, REJECTED)
    assert told(reply) == ["invoice.rejected"]
    assert code(counter.approve(invoice)) == "INVOICE_STATE_INVALID"


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
    counter = Counter()

    assert code(counter.judge(kind, counter.paid(), notes=notes)) == "NOTES_REQUIRED"


@BOTH
def test_an_unknown_invoice_is_not_found(kind: type[JudgeInvoice]) -> None:
    counter = Counter()

    assert code(counter.judge(kind, counter.paid(), invoice_id=uuid4())) == "NOT_FOUND"


@BOTH
def test_a_judgement_on_what_was_not_read_is_refused(kind: type[JudgeInvoice]) -> None:  # K24
    counter = Counter()
    invoice = counter.paid()

    assert code(counter.judge(kind, invoice, expected_version=1)) == "PRECONDITION_FAILED"
    assert (invoice.state, invoice.version) == (InvoiceState.RECEIPT_UPLOADED, 2)


def also(actor: Actor, *roles: Role) -> Actor:
    return actor.model_copy(update={"roles": actor.roles | set(roles)})


@BOTH
def test_the_creator_does_not_judge_even_after_leaving_the_roster(kind: type[JudgeInvoice]) -> None:
    counter = Counter()
    invoice = counter.created(BEN)
    seen(counter.attach(invoice))
    counter.book.partners[counter.acme].contacts.pop()  # as if it never was in it

    assert code(counter.judge(kind, invoice, also(BEN, Role.COMPLIANCE))) == "MAKER_CHECKER_VIOLATION"


@BOTH
def test_whoever_uploaded_the_receipt_does_not_judge(kind: type[JudgeInvoice]) -> None:
    counter = Counter()
    invoice = counter.created(ADA)
    seen(counter.attach(invoice, counter.proof(BEN)))
    counter.book.partners[counter.acme].contacts.pop()  # as if it never was in it

    assert code(counter.judge(kind, invoice, also(BEN, Role.COMPLIANCE))) == "MAKER_CHECKER_VIOLATION"


@BOTH
def test_a_contact_of_the_partner_does_not_judge(kind: type[JudgeInvoice]) -> None:
    counter = Counter()
    invoice = counter.paid()

    assert code(counter.judge(kind, invoice, also(BEN, Role.COMPLIANCE))) == "MAKER_CHECKER_VIOLATION"
    counter.staff(counter.acme, ADA)
    assert code(counter.judge(kind, invoice, also(BEN, Role.COMPLIANCE))) == "MAKER_CHECKER_VIOLATION"


def test_a_contact_of_another_partner_with_the_role_may_judge() -> None:
    counter = Counter()

    assert seen(counter.approve(counter.paid(), also(EVE, Role.COMPLIANCE))).approved_by == EVE.subject


def test_the_same_subject_of_another_issuer_is_another_person() -> None:  # S1.9
    counter = Counter()
    namesake = also(ADA, Role.COMPLIANCE).model_copy(update={"issuer": "https://other.example"})

    assert seen(counter.approve(counter.paid(), namesake)).approved_by == ADA.subject


def test_creator_uploader_and_approver_have_acted_and_nobody_else_has() -> None:
    counter = Counter()
    invoice = counter.created(ADA)
    seen(counter.attach(invoice, counter.proof(BEN)))
    seen(counter.approve(invoice))

    acted = {actor.subject: invoice.has_acted((actor.issuer, actor.subject)) for actor in (ADA, BEN, CARL, CLARA)}

    assert acted == {ADA.subject: True, BEN.subject: True, CARL.subject: True, CLARA.subject: False}
    assert not invoice.has_acted(("https://other.example", CARL.subject))


def test_the_gate_is_asked_again_at_approval() -> None:
    counter = Counter()
    invoice = counter.paid()
    counter.book.partners[counter.acme].state = PartnerState.SUSPENDED

    assert code(counter.approve(invoice)) == "PARTNER_NOT_APPROVED"
    assert seen(counter.reject(invoice)).state is InvoiceState.REJECTED


def test_a_recipient_taken_off_the_list_is_not_approved_any_more(tmp_path: Path) -> None:
    file = tmp_path / "recipients"
    file.write_text(f"{RECIPIENT}\n")
    counter = Counter(file)
    invoice = counter.paid()
    file.write_text("\n")
    counter.book.ledger.rules.recipients.refresh()

    assert code(counter.approve(invoice)) == "RECIPIENT_NOT_APPROVED"
    assert counter.used() == 0


def test_a_currency_that_is_not_supported_any_more_is_not_approved() -> None:
    counter = Counter()
    invoice = counter.paid()
    rules = counter.book.ledger.rules
    object.__setattr__(rules, "limits", Limits({"JPY": Ceilings(Decimal(1), Decimal(1), Decimal(1))}))

    assert code(counter.approve(invoice)) == "TOKEN_UNSUPPORTED"


def test_approvals_of_a_day_stay_within_the_partners_cap() -> None:  # K17
    counter = Counter()
    invoices = [counter.paid(amount="1000") for _ in range(3)]

    answers = [counter.approve(invoice) for invoice in invoices]

    assert [isinstance(answer, Reply) for answer in answers] == [True, True, False]
    assert code(answers[-1]) == "BRANCH_CAP_EXCEEDED"
    assert invoices[-1].state is InvoiceState.RECEIPT_UPLOADED


def test_partners_share_the_cap_of_the_region() -> None:  # K17
    counter = Counter()
    for _ in range(2):
        seen(counter.approve(counter.paid(amount="1000")))
    theirs = []
    for _ in range(3):
        invoice = counter.created(EVE, amount="1000")
        seen(counter.attach(invoice, counter.proof(EVE, counter.other), EVE))
        theirs.append(invoice)

    answers = [counter.approve(invoice) for invoice in theirs]

    assert [isinstance(answer, Reply) for answer in answers] == [True, True, False]
    assert code(answers[-1]) == "BRANCH_CAP_EXCEEDED"
    small = counter.paid(amount="0.01")
    assert code(counter.approve(small)) == "REGION_CAP_EXCEEDED"


def test_a_new_day_has_its_own_caps() -> None:
    counter = Counter()
    for _ in range(2):
        seen(counter.approve(counter.paid(amount="1000")))
    third = counter.paid(amount="1000")
    assert code(counter.approve(third)) == "BRANCH_CAP_EXCEEDED"

    counter.now += timedelta(days=1)

    assert seen(counter.approve(third)).state is InvoiceState.APPROVED


def test_usage_is_not_given_back() -> None:
    counter = Counter()
    invoice = counter.paid(amount="1000")
    seen(counter.approve(invoice))
    before = counter.used()

    seen(counter.reject(invoice))

    assert counter.used() == before


@pytest.mark.parametrize("state", InvoiceState)
@pytest.mark.parametrize("move", ["attach", "approve", "reject"])
def test_every_move_outside_the_lifecycle_is_refused_and_changes_nothing(state: InvoiceState, move: str) -> None:
    """Each state times each command."""
    counter = Counter()
    invoice = counter.created()
    invoice.state = state
    legal = state in LEGAL[move]

    outcome = getattr(counter, move)(invoice)

    assert isinstance(outcome, Reply) is legal
    if not legal:
        assert code(outcome) == "INVOICE_STATE_INVALID"
        assert (invoice.state, invoice.version, counter.used()) == (state, 1, 0)


LEGAL = {
    "attach": {InvoiceState.CREATED},
    "approve": {InvoiceState.RECEIPT_UPLOADED},
    "reject": {InvoiceState.CREATED, InvoiceState.RECEIPT_UPLOADED, InvoiceState.APPROVED},
}


@pytest.mark.parametrize("state", InvoiceState)
def test_time_ends_what_is_not_signed_and_nothing_else(state: InvoiceState) -> None:
    counter = Counter()
    invoice = counter.created()
    invoice.state = state
    counter.now = invoice.expires_at

    reply = counter.expire(invoice)

    assert isinstance(reply, Reply)
    if state in UNSIGNED:
        assert (seen(reply).state, seen(reply).reason_code) == (InvoiceState.EXPIRED, NOT_COMPLETED)
        assert told(reply) == ["invoice.expired"]
    else:
        assert (reply.status, reply.facts, invoice.state, invoice.version) == (204, (), state, 1)


def test_an_expiry_that_comes_twice_or_too_early_does_nothing() -> None:
    counter = Counter()
    invoice = counter.created()

    early = counter.expire(invoice)
    counter.now = invoice.expires_at
    first, second = counter.expire(invoice), counter.expire(invoice)

    assert [isinstance(reply, Reply) and reply.status for reply in (early, first, second)] == [204, 200, 204]
    assert invoice.version == 2


@pytest.mark.parametrize("move", ["attach", "approve", "reject"])
def test_the_deadline_binds_although_the_timer_is_late(move: str) -> None:
    counter = Counter()
    invoice = counter.created() if move == "attach" else counter.paid()
    key = counter.proof()
    counter.now = invoice.expires_at

    outcome = counter.attach(invoice, key) if move == "attach" else getattr(counter, move)(invoice)

    assert code(outcome) == "INVOICE_STATE_INVALID"


def test_updated_at_moves_with_every_change_even_within_one_moment() -> None:
    counter = Counter()
    invoice = counter.created()
    moments = [invoice.updated_at]
    for move in (counter.attach, counter.approve, counter.reject):
        counter.now = invoice.created_at - timedelta(seconds=10)
        seen(move(invoice))
        moments.append(invoice.updated_at)

    assert all(earlier < later for earlier, later in pairwise(moments))


def test_an_invoice_keeps_its_terms_whatever_becomes_of_it() -> None:  # K24
    counter = Counter()
    invoice = counter.paid()
    terms = _terms(invoice)

    seen(counter.approve(invoice))
    seen(counter.reject(invoice))

    assert _terms(invoice) == terms


def _terms(invoice: Invoice) -> tuple[object, ...]:
    return invoice.partner_id, invoice.amount, invoice.currency, invoice.recipient, invoice.created_by
