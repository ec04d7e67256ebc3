"""The name of the rules is a promise: what they decide changes only together with it."""

import hashlib

from services.partners.gate import Capability, Closed, decide, openings
from services.partners.gate.facts import EDITION
from tests.partners.gate.states import NOON, Case, random_cases

DECIDED = {"2026-11": "24ade68575833181674ee8977c979175a5e154ece4d11b062a655d47523b09a0"}
"""Edition and fingerprint of what it decides on the same 2,000 partners. A new rule is a new line here."""


def verdicts(case: Case) -> list[object]:
    told = [decide(case.facts, case.policy, capability, NOON) for capability in Capability]
    ways = openings(case.facts, case.policy, NOON)
    return [
        [(one.code.value, *one.reasons) if isinstance(one, Closed) else "open" for one in told],
        [[change.value for change, _ in ways.get(capability, ())] for capability in Capability],
    ]


def test_these_rules_decide_as_the_edition_they_are_named_after() -> None:
    decided = repr([verdicts(case) for case in random_cases(seed=11, count=2_000)])

    assert hashlib.sha256(decided.encode()).hexdigest() == DECIDED[EDITION]
