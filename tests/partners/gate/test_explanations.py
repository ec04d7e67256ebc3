"""What would open the gate, told in the order in which it works, and by whom (issue 4)."""

from typing import Any

import pytest

from contracts.partners import PartnerState
from services.partners.gate import Capability, Facts, Policy, explain
from tests.partners.gate.states import DAY, NOON, facts_of

S = PartnerState
ONE, TWO, STRICT = Policy(), Policy(approvals_required=2), Policy(strict=True)
OLD: dict[str, Any] = {"documents": (("kyb", NOON - 400 * DAY), ("licensing", NOON - DAY))}
OVERDUE: dict[str, Any] = {"approved_dossier_version": 2, "rereview_due_at": NOON - DAY}


def changes(facts: Facts, policy: Policy, capability: Capability = Capability.VOUCHER_MINT) -> list[str]:
    return [made.change for made in explain(facts, policy, NOON).capabilities[capability.value].changes]


@pytest.mark.parametrize(
    ("facts", "policy", "wanted"),
    [
        pytest.param(facts_of(), ONE, [], id="open"),
        pytest.param(facts_of(S.PENDING_REVIEW), ONE, ["approve"], id="pending"),
        pytest.param(facts_of(S.PENDING_REVIEW), TWO, ["approve", "second_approve"], id="pending, two approvers"),
        pytest.param(facts_of(S.PENDING_REVIEW, proposals=1), TWO, ["second_approve"], id="half approved"),
        pytest.param(
            facts_of(S.PENDING_REVIEW, proposals=1), ONE, ["approve"], id="half approved, then one became enough"
        ),
        pytest.param(facts_of(S.INFO_REQUESTED), ONE, ["answer_fields", "approve"], id="info requested"),
        pytest.param(
            facts_of(S.INFO_REQUESTED, **OLD), ONE, ["upload_kyb", "approve"], id="info requested: an upload answers it"
        ),
        pytest.param(facts_of(S.REJECTED, **OLD), ONE, ["file_new_dossier", "approve"], id="rejected"),
        pytest.param(facts_of(S.SUSPENDED), TWO, ["reinstate", "second_reinstate"], id="suspended, two approvers"),
        pytest.param(facts_of(S.SUSPENDED, **OLD), ONE, ["upload_kyb", "reinstate"], id="suspended and expired"),
        pytest.param(facts_of(**OLD), ONE, ["upload_kyb"], id="expired: the new document is reviewed later"),
        pytest.param(facts_of(**OLD), STRICT, ["upload_kyb", "approve"], id="expired: strict wants the review at once"),
        pytest.param(facts_of(**OVERDUE), ONE, ["approve"], id="overdue"),
        pytest.param(
            facts_of(**OLD, **OVERDUE, proposals=1),
            TWO,
            ["second_approve", "upload_kyb"],
            id="filing first would lapse the proposal",
        ),
        pytest.param(facts_of(active_contacts=0), ONE, ["name_contact"], id="nobody in the roster"),
    ],
)
def test_the_smallest_set_of_changes_is_told_in_order(facts: Facts, policy: Policy, wanted: list[str]) -> None:
    assert changes(facts, policy) == wanted


def test_capabilities_open_with_different_changes() -> None:  # K8
    facts = facts_of(**OLD)

    assert changes(facts, STRICT, Capability.INVOICE_CREATE) == ["upload_kyb"]
    assert changes(facts, STRICT, Capability.VOUCHER_MINT) == ["upload_kyb", "approve"]


def test_nothing_opens_a_partner_that_was_rejected_for_good() -> None:
    view = explain(facts_of(S.REJECTED, rejected_final=True), ONE, NOON)

    for opening in view.capabilities.values():
        assert (opening.open, opening.changes) == (False, ())
        assert opening.reason == "The rejection is final: no change opens this."


def test_only_root_admins_decide_and_contacts_file() -> None:
    view = explain(facts_of(S.INFO_REQUESTED), ONE, NOON)

    filing, approval = view.capabilities["invoice.create"].changes
    assert filing.who == ("partner", "root_admin")
    assert filing.detail == "File what was asked for: /kyb_object_key."
    assert approval.who == ("root_admin",)
    assert approval.detail.startswith("Approve version 4 of the dossier")


def test_an_upload_that_answers_says_what_else_was_asked() -> None:  # K3
    asked = facts_of(S.INFO_REQUESTED, fields_requested=("/contacts/0/phone",), **OLD)

    upload, _ = explain(asked, ONE, NOON).capabilities["invoice.create"].changes

    assert upload.detail == "File a current kyb document, and with it what was asked for: /contacts/0/phone."


def test_the_facts_used_and_the_policy_are_named() -> None:
    view = explain(facts_of(**OLD), Policy(approvals_required=2, strict=True, rereview_window=1.5 * DAY), NOON)

    assert view.policy_version == "2026-11/strict/2/365d/1d43200s"
    assert view.facts.as_of == NOON
    assert view.facts.documents[0].expires_at == NOON - 35 * DAY
    assert view.facts.approved_dossier_version == 3


def test_two_policies_share_a_name_only_if_they_are_the_same() -> None:
    spans = [DAY, 2 * DAY, 1.5 * DAY, 365 * DAY, DAY / 86_400, DAY / 86_400_000_000]
    policies = [
        Policy(approvals_required=n, strict=strict, document_max_age=age, rereview_window=window)
        for n in (1, 2)
        for strict in (False, True)
        for age in spans
        for window in spans
    ]

    assert len({policy.version for policy in policies}) == len(policies)


@pytest.mark.parametrize("wrong", [{"approvals_required": 0}, {"approvals_required": 3}, {"document_max_age": 0 * DAY}])
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"one or two|within"):
        Policy(**wrong)
