"""The checker of S1.47 sees what it must see: each kind of wrong history is complained of, a right one is not."""

from typing import Any

import pytest

from tests.system.approvals_in_force import complaints

PARTNER, INVOICE = "p-1", "i-1"
TERMS = {"partner_id": PARTNER, "amount": "10.00", "currency": "USD", "recipient": "0x1"}


def event(kind: str, second: int, version: int, who: str = "root", **data: Any) -> dict[str, Any]:
    of_partner = kind.startswith("partner")
    return {
        "type": kind,
        "aggregate_id": PARTNER if of_partner else INVOICE,
        "aggregate_version": version,
        "occurred_at": f"2026-11-24T12:00:{second:02}Z",
        "actor": {"issuer": "https://id.example", "subject": who},
        "data": data if of_partner else {**TERMS, **data},
    }


def history() -> dict[str, dict[str, Any]]:
    return {
        "approval": event("partner.approved", 1, 2, approval_id="a-1", dossier_version=1),
        "creation": event("invoice.created", 2, 1, "ada"),
        "yes": event("invoice.approved", 3, 2, "carl"),
        "signing": event("invoice.signing", 4, 3, "sue", approval_id="a-1", dossier_version=1),
        "submission": event("invoice.submitted", 6, 4, "partners", sent_at="2026-11-24T12:00:05Z"),
    }


def test_a_voucher_sent_while_its_approval_was_in_force_is_fine() -> None:
    assert list(complaints(history().values())) == []


def test_a_suspension_after_it_was_sent_changes_nothing() -> None:
    log = [*history().values(), event("partner.suspended", 7, 3)]

    assert list(complaints(log)) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda log: log.pop("approval"),
        lambda log: log.update(end=event("partner.suspended", 4, 3)),
        lambda log: log.update(other=event("partner.approved", 4, 3, approval_id="a-2", dossier_version=2)),
        lambda log: log["signing"]["data"].update(dossier_version=2),
        lambda log: log["signing"]["data"].update(amount="11.00"),
        lambda log: log["submission"]["data"].update(recipient="0x2"),
        lambda log: log["signing"]["actor"].update(subject="carl"),
        lambda log: log.pop("yes"),
    ],
    ids=[
        "never approved",
        "suspended before it was sent",
        "another approval in force",
        "another dossier version",
        "another amount",
        "another recipient",
        "approver signs",
        "invoice never approved",
    ],
)
def test_a_wrong_history_is_complained_of(spoil: Any) -> None:
    log = history()
    spoil(log)

    assert list(complaints(log.values()))
