"""The questions about the past. Who asks is shown what they may read of the log today (A13)."""

from collections.abc import Iterable
from uuid import UUID

import orjson

from contracts.audit import READERS
from contracts.audit_as_of import (
    AsOf,
    BranchAccessAsOf,
    GetBranchAccessAsOf,
    GetMembershipAsOf,
    GetPartnerAsOf,
    GetRosterAsOf,
    MembershipAsOf,
    RosterAsOf,
)
from contracts.failures import Code
from services.audit.as_of import membership, partner, place, roster
from services.audit.as_of.stories import Reached, memberships_at, reached, stories
from services.audit.as_of.told import Story
from services.audit.queries import refusal_to_outsider
from services.chassis import Call, Outcome, Read, Refusal, Reply, fetch

_FIRST = """
    SELECT raw FROM events WHERE aggregate_id = $1 AND aggregate_type = $2 AND raw IS NOT NULL
    ORDER BY aggregate_version LIMIT 1
"""


async def partner_as_of(query: GetPartnerAsOf, call: Call, read: Read) -> Outcome:
    subject = Subject("partner", query.partner_id, partner.TELLS)
    found = await subject.found(query, call, read)
    if isinstance(found, Refusal):
        return found
    log, story = found
    return Reply(200, partner.partner_of(story, log.known([story])))


async def roster_as_of(query: GetRosterAsOf, call: Call, read: Read) -> Outcome:
    subject = Subject("partner", query.partner_id, roster.TELLS)
    found = await subject.found(query, call, read)
    if isinstance(found, Refusal):
        return found
    log, story = found
    begin = 0 if query.starting_after is None else query.starting_after + 1
    stays = story.fold(roster.Roster(), roster.TELLS).stays[begin:]
    page = RosterAsOf(
        known=log.known([story]),
        partner_id=story.id,
        version=story.version,
        data=tuple(stay.view() for stay in stays[: query.limit]),
        has_more=len(stays) > query.limit,
    )
    return Reply(200, page)


async def membership_as_of(query: GetMembershipAsOf, call: Call, read: Read) -> Outcome:
    subject = Subject("membership", query.membership_id, membership.TELLS)
    found = await subject.found(query, call, read)
    if isinstance(found, Refusal):
        return found
    log, story = found
    fields = story.fold(membership.Membership(), membership.TELLS).fields()
    named = {"known": log.known([story]), "membership_id": story.id, "version": story.version}
    return Reply(200, MembershipAsOf.model_validate({**named, **fields}))


async def branch_access_as_of(query: GetBranchAccessAsOf, call: Call, read: Read) -> Outcome:
    subject = Subject("branch", query.branch_id, place.BRANCH_TELLS)
    found = await subject.found(query, call, read)
    if isinstance(found, Refusal):
        return found
    log, story = found
    branch = story.fold(place.Place(), place.BRANCH_TELLS)
    tenant = await Subject("tenant", UUID(branch.tenant_id), place.TENANT_TELLS).story(log, read)
    members = await memberships_at(read, log, story.id)
    told = await stories(read, log, "membership", members, membership.TELLS)
    after = query.starting_after
    access = [place.access_to(story.id, told[member]) for member in sorted(told) if after is None or member > after]
    given = [one for one in access if one]
    page = BranchAccessAsOf(
        known=log.known([story, *([tenant] if tenant else []), *told.values()]),
        branch_id=story.id,
        tenant_id=UUID(branch.tenant_id),
        name=branch.name,
        status=branch.status,
        tenant_status=place.status_of(tenant) if tenant else None,
        data=tuple(given[: query.limit]),
        has_more=len(given) > query.limit,
    )
    return Reply(200, page)


class Subject:
    """An aggregate that is asked for; `types` are those of its events that the answer is made of."""

    def __init__(self, kind: str, subject_id: UUID, types: Iterable[str]) -> None:
        self._kind, self._id, self._types = kind, subject_id, types

    async def found(self, query: AsOf, call: Call, read: Read) -> tuple[Reached, Story] | Refusal:
        """Its story up to the instant, and how far the log reached then; or why nothing is told."""
        refused = await self._refusal(call, read)
        if refused:
            return refused
        log = await reached(read, query.as_of)
        story = await self.story(log, read)
        if story is None:
            return Refusal(Code.NOT_FOUND, f"not among the {log.size} events recorded by then")
        if story.purged:
            return Refusal(Code.AUDIT_RANGE_INVALID, f"{story.purged} events of this history have been purged")
        return log, story

    async def story(self, log: Reached, read: Read) -> Story | None:
        told = (await stories(read, log, self._kind, [self._id], self._types)).get(self._id)
        return told if told and told.version else None

    async def _refusal(self, call: Call, read: Read) -> Refusal | None:
        """An owner is told of what is of their tenant now; a partner is of no tenant."""
        if call.actor.holds_any(READERS):
            return None
        first = await fetch(read, _FIRST, self._id, self._kind)
        data = orjson.loads(first[0].raw)["data"] if first else {}
        return await refusal_to_outsider(call.actor, read, [data["tenant_id"]] if "tenant_id" in data else [])
