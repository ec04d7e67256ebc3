"""Random partners: every state, ages around each limit, and facts that contradict each other as well."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.partners import PartnerState
from services.partners.gate import Facts, Policy

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
FRESH = (("kyb", NOON - DAY), ("licensing", NOON - DAY))
POINTERS = ("/kyb_object_key", "/licensing_object_key", "/contacts/0/phone")
Choose = Callable[[Sequence[Any]], Any]


@dataclass(frozen=True, slots=True)
class Case:
    """Facts and policy at noon, another moment after it, and a policy that is no looser."""

    facts: Facts
    policy: Policy
    later: datetime
    stricter: Policy


def facts_of(state: PartnerState = PartnerState.APPROVED, **changes: Any) -> Facts:
    """A partner in this state, all in order otherwise."""
    usual: dict[str, Any] = {
        "dossier_version": 3,
        "documents": FRESH,
        "active_contacts": 2,
        "approved_dossier_version": 3 if state is PartnerState.APPROVED else None,
        "fields_requested": POINTERS[:1] if state is PartnerState.INFO_REQUESTED else (),
    }
    return Facts(state=state, **(usual | changes))


def a_case(choose: Choose) -> Case:
    policy = _policy(choose)
    later = NOON + choose((timedelta(0), TICK, DAY, 7 * DAY, 30 * DAY, 400 * DAY))
    return Case(_facts(choose, policy), policy, later, _stricter(choose, policy))


def random_cases(seed: int, count: int) -> Iterator[Case]:
    draw = random.Random(seed).random  # noqa: S311 - the same cases on every run
    return (a_case(lambda options: options[int(draw() * len(options))]) for _ in range(count))


def _policy(choose: Choose) -> Policy:
    return Policy(
        approvals_required=choose((1, 2)),
        strict=choose((False, True)),
        document_max_age=choose((90, 365)) * DAY,
        rereview_window=choose((1, 14)) * DAY,
    )


def _stricter(choose: Choose, policy: Policy) -> Policy:
    return Policy(
        approvals_required=choose((policy.approvals_required, 2)),
        strict=choose((policy.strict, True)),
        document_max_age=choose((1, 0.9, 0.1)) * policy.document_max_age,
        rereview_window=choose((1, 0.5)) * policy.rereview_window,
    )


def _facts(choose: Choose, policy: Policy) -> Facts:
    state = choose((*PartnerState, *(PartnerState.APPROVED,) * 3))
    limit = policy.document_max_age
    fresh = (timedelta(0), -DAY, DAY, 7 * DAY, 30 * DAY, 60 * DAY, limit - DAY, limit - TICK)
    ages = (*fresh, limit, limit + TICK, 2 * limit)
    kinds = choose((("kyb", "licensing"),) * 9 + (("kyb",),))
    documents = tuple((kind, NOON - choose(ages)) for kind in kinds)
    version = choose((1, 2, 7))
    facts = {
        "dossier_version": version,
        "documents": documents,
        "active_contacts": choose((1,) * 8 + (50, 0)),
        "proposals": choose((0, 1)),
        "fields_requested": choose((POINTERS[:1], POINTERS)) if state is PartnerState.INFO_REQUESTED else (),
        "rejected_final": state is PartnerState.REJECTED and choose((False, True)),
        **(_approval(choose, version) if state is PartnerState.APPROVED else {}),
    }
    return Facts(state=state, **(facts | (_contradiction(choose) if choose(range(10)) == 0 else {})))


def _approval(choose: Choose, version: int) -> dict[str, Any]:
    """In force, under re-review, or its re-review overdue."""
    due = choose((None, None, None, NOON - DAY, NOON, NOON + TICK, NOON + 5 * DAY))
    return {"approved_dossier_version": version if due is None else choose((1, version)), "rereview_due_at": due}


def _contradiction(choose: Choose) -> dict[str, Any]:
    """What the schema forbids; the gate must not rely on it."""
    wrong: tuple[dict[str, Any], ...] = (
        {"rejected_final": True},
        {"approved_dossier_version": None},
        {"approved_dossier_version": 99},
        {"rereview_due_at": NOON + DAY},
        {"fields_requested": ()},
        {"fields_requested": POINTERS},
        {"documents": ()},
    )
    picked: dict[str, Any] = choose(wrong)
    return picked
