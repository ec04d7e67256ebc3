"""What is due, and why: two questions, seen by those who see the partner (K1, K22)."""

from collections.abc import Callable
from datetime import datetime

from contracts.gate import ExplainPartner, GetRequirements
from contracts.message import Contract, Query
from services.chassis import Call, Outcome, Read, Refusal, Reply
from services.chassis.queries import QueryHandler
from services.partners.gate import Facts, Policy, explain, requirements
from services.partners.gate.aggregate import facts_of
from services.partners.queries import visible
from services.wire.allowlist import Allowlist

View = Callable[[Facts, Policy, datetime], Contract]


def gate_queries(policy: Policy, root_admins: Allowlist) -> dict[type[Query], QueryHandler]:
    """The handlers under one policy, for the composition root."""

    def answering(view: View) -> QueryHandler:
        async def answer(query: GetRequirements | ExplainPartner, call: Call, read: Read) -> Outcome:
            partner = await visible(query, call.actor, read)
            if isinstance(partner, Refusal):
                return partner
            root_admins.refresh()
            return Reply(200, view(facts_of(partner, root_admins), policy, call.now))

        return answer

    return {GetRequirements: answering(requirements), ExplainPartner: answering(explain)}
