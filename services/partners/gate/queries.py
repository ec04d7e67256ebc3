"""What is due, and why: two questions, seen by those who see the partner (K1, K22); a stranger's is not there."""

from collections.abc import Callable
from datetime import datetime

from pydantic import BaseModel

from contracts.gate import ExplainPartner, GetRequirements
from contracts.message import Query
from services.chassis import Call, Outcome, Read, Refusal, Reply
from services.chassis.queries import QueryHandler
from services.partners.gate import Facts, Policy, explain, facts_of, requirements
from services.partners.queries import visible

View = Callable[[Facts, Policy, datetime], BaseModel]


def gate_queries(policy: Policy) -> dict[type[Query], QueryHandler]:
    """The handlers under one policy, for the composition root."""
    return {GetRequirements: _answering(requirements, policy), ExplainPartner: _answering(explain, policy)}


def _answering(view: View, policy: Policy) -> QueryHandler:
    async def answer(query: GetRequirements | ExplainPartner, call: Call, read: Read) -> Outcome:
        partner = await visible(query, call.actor, read)
        if isinstance(partner, Refusal):
            return partner
        return Reply(200, view(facts_of(partner), policy, call.now))

    return answer
