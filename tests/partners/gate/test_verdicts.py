"""What is open in which state, and what a caller is told (S1.27-29, K1, K8)."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.failures import problem
from contracts.partners import PartnerState
from services.partners.gate import Capability, Closed, Facts, Open, Policy, as_refusal, decide, obstacles, requirements
from tests.partners.gate.states import DAY, FRESH, NOON, TICK, facts_of

S = PartnerState
LENIENT, STRICT, TWO = Policy(), Policy(strict=True), Policy(approvals_required=2)
CREATE, RECEIPT, MINT = Capability.INVOICE_CREATE, Capability.RECEIPT_UPLOAD, Capability.VOUCHER_MINT


def closed(facts: Facts, policy: Policy = LENIENT, capability: Capability = CREATE) -> Closed:
    verdict = decide(facts, policy, capability, NOON)
    assert isinstance(verdict, Closed)
    return verdict


def opened(facts: Facts, policy: Policy = LENIENT) -> set[Capability]:
    return {c for c in Capability if isinstance(decide(facts, policy, c, NOON), Open)}


def aged(**ages: timedelta) -> dict[str, Any]:
    return {"documents": tuple((kind, NOON - ages.get(kind, DAY)) for kind in ("kyb", "licensing"))}


def rereview(due: timedelta) -> Facts:
    return facts_of(S.APPROVED, approved_dossier_version=2, rereview_due_at=NOON + due)


def test_an_approved_partner_with_current_documents_may_do_everything() -> None:
    assert opened(facts_of(S.APPROVED)) == set(Capability)


@pytest.mark.parametrize("state", [state for state in S if state is not S.APPROVED])
def test_everything_is_closed_until_the_partner_is_approved(state: PartnerState) -> None:  # S1.27
    facts = facts_of(state)

    assert not opened(facts)
    assert {closed(facts, capability=capability).code for capability in Capability} == {"PARTNER_NOT_APPROVED"}


GUIDANCE = [
    pytest.param(facts_of(S.PENDING_REVIEW), LENIENT, "REVIEW_PENDING", "Wait for the review", id="pending: wait"),
    pytest.param(
        facts_of(S.PENDING_REVIEW, proposals=1),
        TWO,
        "SECOND_APPROVAL_PENDING",
        "Wait for the second approver",
        id="half approved: wait for the second",
    ),
    pytest.param(
        facts_of(S.INFO_REQUESTED, fields_requested=("/kyb_object_key", "/contacts/0/phone")),
        LENIENT,
        "INFO_REQUESTED",
        "Answer what was asked for: /kyb_object_key, /contacts/0/phone.",
        id="info requested: answer these fields",
    ),
    pytest.param(facts_of(S.REJECTED), LENIENT, "REJECTED", "File a new dossier.", id="rejected: file a new dossier"),
    pytest.param(
        facts_of(S.REJECTED, rejected_final=True),
        LENIENT,
        "REJECTED_FINAL",
        "Nothing can be done: the rejection is final.",
        id="rejected for good: nothing",
    ),
    pytest.param(facts_of(S.SUSPENDED), LENIENT, "SUSPENDED", "Ask for reinstatement.", id="suspended: ask"),
    pytest.param(
        facts_of(**aged(licensing=365 * DAY)),
        LENIENT,
        "DOCUMENT_EXPIRED",
        "Upload a current document: /licensing_object_key.",
        id="expired: upload a current document",
    ),
    pytest.param(
        rereview(timedelta(0)), LENIENT, "REREVIEW_OVERDUE", "Ask for the overdue re-review", id="overdue: ask"
    ),
]


@pytest.mark.parametrize(("facts", "policy", "reason", "guidance"), GUIDANCE)
def test_each_state_gives_its_own_guidance(facts: Facts, policy: Policy, reason: str, guidance: str) -> None:  # S1.28
    verdict = closed(facts, policy)

    assert verdict.reasons == (reason,)
    assert verdict.next_action.startswith(guidance)


def test_guidance_differs_by_state() -> None:  # S1.28
    told = [closed(row.values[0], row.values[1]).next_action for row in GUIDANCE]  # type: ignore[arg-type]

    assert len(set(told)) == len(told)


def test_a_refusal_says_state_reason_what_is_missing_and_the_next_step() -> None:  # S1.27
    facts = facts_of(S.SUSPENDED, **aged(kyb=400 * DAY))

    refusal = as_refusal(closed(facts))

    body = problem(refusal.code, "req-1", refusal.detail, **refusal.extra)
    assert (body.status, body.code) == (403, "PARTNER_NOT_APPROVED")
    assert body.detail == "invoice.create is closed: the partner is SUSPENDED. The partner is suspended."
    assert body.reasons == ("SUSPENDED", "DOCUMENT_EXPIRED")
    assert body.next_action == "Ask for reinstatement. Upload a current document: /kyb_object_key."
    assert body.errors is not None
    assert [(e.pointer, e.code) for e in body.errors] == [("", "SUSPENDED"), ("/kyb_object_key", "DOCUMENT_EXPIRED")]


@pytest.mark.parametrize("kind", ["kyb", "licensing"])
def test_a_document_expires_at_its_very_deadline(kind: str) -> None:  # K1
    limit = LENIENT.document_max_age

    assert opened(facts_of(**aged(**{kind: limit - TICK}))) == set(Capability)
    assert closed(facts_of(**aged(**{kind: limit}))).code == "DOSSIER_EXPIRED"
    assert [o.deadline for o in obstacles(facts_of(**aged(**{kind: limit + DAY})), LENIENT, NOON)] == [NOON - DAY]


def test_a_rereview_closes_nothing_under_a_lenient_policy_until_its_deadline() -> None:  # K8
    assert opened(rereview(TICK)) == set(Capability)
    assert not opened(rereview(timedelta(0)))
    assert closed(rereview(timedelta(0)), capability=MINT).code == "DOSSIER_EXPIRED"


def test_a_rereview_closes_mint_at_once_under_a_strict_policy() -> None:  # K8
    assert opened(rereview(5 * DAY), STRICT) == {CREATE, RECEIPT}
    assert closed(rereview(5 * DAY), STRICT, MINT).reasons == ("REREVIEW_PENDING",)
    assert not opened(rereview(timedelta(0)), STRICT)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(facts_of(rejected_final=True), id="approved and rejected for good"),
        pytest.param(facts_of(approved_dossier_version=None), id="approved, but no dossier version"),
        pytest.param(facts_of(approved_dossier_version=2), id="changed since approval, but no deadline"),
        pytest.param(facts_of(documents=()), id="no documents"),
        pytest.param(facts_of(documents=FRESH[:1]), id="one document"),
        pytest.param(facts_of(active_contacts=0), id="nobody in the roster"),
    ],
)
def test_facts_that_contradict_each_other_close_the_gate(facts: Facts) -> None:
    assert not opened(facts)


def test_the_list_parts_what_can_be_mended_from_what_cannot() -> None:  # K1
    asked = requirements(facts_of(S.INFO_REQUESTED), LENIENT, NOON)
    final = requirements(facts_of(S.REJECTED, rejected_final=True), LENIENT, NOON)

    assert [(due.code, due.field, due.who) for due in asked.currently_due] == [
        ("INFO_REQUESTED", "/kyb_object_key", "partner")
    ]
    assert not asked.errors
    assert not final.currently_due
    assert [error.code for error in final.errors] == ["REJECTED_FINAL"]


@pytest.mark.parametrize(
    ("facts", "deadline"),
    [
        pytest.param(facts_of(), NOON + 364 * DAY, id="open: until the first document is too old"),
        pytest.param(rereview(5 * DAY), NOON + 5 * DAY, id="open: until the re-review is due"),
        pytest.param(rereview(-DAY), NOON - DAY, id="closed: since the re-review was due"),
        pytest.param(facts_of(S.PENDING_REVIEW), None, id="waiting: nothing closes by itself"),
        pytest.param(
            facts_of(S.PENDING_REVIEW, **aged(kyb=366 * DAY)), NOON - DAY, id="waiting: a document is too old"
        ),
        pytest.param(facts_of(S.REJECTED, rejected_final=True), None, id="rejected for good"),
    ],
)
def test_the_deadline_is_the_earliest_of_what_closes_by_time(facts: Facts, deadline: object) -> None:
    assert requirements(facts, LENIENT, NOON).current_deadline == deadline


def test_an_open_gate_shows_nothing_due() -> None:
    view = requirements(facts_of(), LENIENT, NOON)

    assert view.gate.model_dump() == {
        "open": True,
        "capabilities": {c.value: {"open": True, "code": None, "reasons": ()} for c in Capability},
    }
