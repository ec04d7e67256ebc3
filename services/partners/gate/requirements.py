"""The list a partner reads, from the same obstacles that close the gate (K1)."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from contracts.gate import Capability, CapabilityView, GateView, Requirement, RequirementsView
from contracts.partners import PartnerState
from services.partners.gate.decide import Closed, judge
from services.partners.gate.facts import Facts, Policy
from services.partners.gate.obstacles import Obstacle, obstacles


def requirements(facts: Facts, policy: Policy, now: datetime) -> RequirementsView:
    found = obstacles(facts, policy, now)
    capabilities = {capability.value: _capability(facts, capability, found) for capability in Capability}
    return RequirementsView(
        currently_due=tuple(_requirement(obstacle) for obstacle in found if not obstacle.is_error),
        errors=tuple(_requirement(obstacle) for obstacle in found if obstacle.is_error),
        current_deadline=min(_deadlines(facts, policy, found), default=None),
        gate=GateView(open=all(view.open for view in capabilities.values()), capabilities=capabilities),
    )


def _capability(facts: Facts, capability: Capability, found: Sequence[Obstacle]) -> CapabilityView:
    verdict = judge(facts, capability, found)
    if isinstance(verdict, Closed):
        return CapabilityView(open=False, code=verdict.code.value, reasons=verdict.reasons)
    return CapabilityView(open=True, code=None, reasons=())


def _requirement(obstacle: Obstacle) -> Requirement:
    return Requirement(
        code=obstacle.code.value,
        field=obstacle.field,
        detail=obstacle.detail,
        who=obstacle.who.value,
        deadline=obstacle.deadline,
    )


def _deadlines(facts: Facts, policy: Policy, found: Sequence[Obstacle]) -> Iterator[datetime]:
    """What has closed by time, and what will close an approved partner if nothing is done."""
    yield from (obstacle.deadline for obstacle in found if obstacle.deadline)
    if facts.state is PartnerState.APPROVED and not facts.rejected_final:
        if facts.rereview_open and facts.rereview_due_at:
            yield facts.rereview_due_at
        yield from (uploaded_at + policy.document_max_age for _, uploaded_at in facts.documents)
