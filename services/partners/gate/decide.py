"""One function decides: whoever opens or closes something for a partner asks `decide` (K1, S1.27-29).

Pure: facts, policy and moment in, verdict out. A refusal says the state, the reason, what is missing and the next step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.failures import Code, FieldError
from contracts.gate import Capability, RequirementCode
from contracts.partners import PartnerState
from services.chassis import Refusal
from services.partners.gate.facts import Facts, Policy
from services.partners.gate.obstacles import RULES, Obstacle, obstacles


@dataclass(frozen=True, slots=True)
class Open:
    """Nothing stands in the way."""


@dataclass(frozen=True, slots=True)
class Closed:
    """`reasons` are the codes of what is missing, in its order; the state comes first and gives the failure code."""

    capability: Capability
    state: PartnerState
    missing: tuple[Obstacle, ...]

    @property
    def code(self) -> Code:
        return self.missing[0].failure

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(obstacle.code.value for obstacle in self.missing))

    @property
    def next_action(self) -> str:
        """Guidance for this state, and for whatever else is missing (S1.27-29)."""
        fields: dict[RequirementCode, list[str]] = {}
        for obstacle in self.missing:
            fields.setdefault(obstacle.code, []).extend(filter(None, (obstacle.field,)))
        return " ".join(RULES[code].action.format(at=_listed(at)) for code, at in fields.items())


def _listed(fields: Sequence[str]) -> str:
    return f": {', '.join(fields)}" if fields else ""


Verdict = Open | Closed
OPEN = Open()


def decide(facts: Facts, policy: Policy, capability: Capability, now: datetime) -> Verdict:
    return judge(facts, capability, obstacles(facts, policy, now))


def judge(facts: Facts, capability: Capability, found: Sequence[Obstacle]) -> Verdict:
    """The verdict on one capability, when the obstacles are known already."""
    missing = tuple(obstacle for obstacle in found if capability in obstacle.closes)
    return Closed(capability, facts.state, missing) if missing else OPEN


def as_refusal(closed: Closed) -> Refusal:
    """The one answer of every caller: 403 with state, reasons, what is missing and the next step (S1.27)."""
    errors = [FieldError(pointer=o.field, code=o.code.value, detail=o.detail) for o in closed.missing]
    detail = f"{closed.capability.value} is closed: the partner is {closed.state.value}. {closed.missing[0].detail}"
    extra = {"reasons": closed.reasons, "next_action": closed.next_action, "errors": errors}
    return Refusal(closed.code, detail, extra)
