"""Questions about partners: own ones, or all for a reader role. A stranger's partner is not there."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from contracts.decisions import ListApprovals
from contracts.failures import Code
from contracts.gate import ExplainPartner, GetRequirements
from contracts.message import Actor, Query
from contracts.partners import (
    READERS,
    GetDossier,
    GetPartner,
    GetTimeline,
    ListDossiers,
    ListPartners,
    PartnerPage,
    TaskView,
)
from services.chassis import Call, Outcome, Read, Refusal, Reply, fetch
from services.chassis.queries import QueryHandler
from services.partners.history import approvals, dossier, dossiers, timeline
from services.partners.partner import Partner
from services.partners.review import queries as review
from services.partners.store_partners import load_partners
from services.partners.tasks import load_tasks

_PAGE = """
    SELECT p.id FROM partners p
    WHERE ($1::uuid IS NULL OR p.id > $1) AND ($2::text IS NULL OR p.state = $2)
      AND ($3::text IS NULL OR p.name ILIKE $3 OR p.legal_name ILIKE $3)
      AND ($4::boolean IS NULL OR $4 = (COALESCE(p.rereview_due_at < $5, false) OR EXISTS (
            SELECT FROM reviews r WHERE r.partner_id = p.id AND r.closed_at IS NULL
                AND (r.breached_at IS NOT NULL OR r.due_at < $5))))
      AND ($6 OR EXISTS (SELECT FROM partner_contacts c WHERE c.partner_id = p.id
                         AND c.issuer = $7 AND c.subject = $8 AND c.status = 'ACTIVE'))
    ORDER BY p.id LIMIT $9
"""
PartnerQuery = GetPartner | ListApprovals | ListDossiers | GetDossier | GetTimeline | GetRequirements | ExplainPartner


async def get_partner(query: GetPartner, call: Call, read: Read) -> Outcome:
    partner = await visible(query, call.actor, read)
    if isinstance(partner, Refusal):
        return partner
    tasks = await _tasks(read, [partner.id], call.actor)
    return Reply(200, partner.view(tasks.get(partner.id)), etag=partner.etag)


async def list_partners(query: ListPartners, call: Call, read: Read) -> Outcome:
    like = f"%{_literal(query.q)}%" if query.q else None
    mine = (call.actor.holds_any(READERS), call.actor.issuer, call.actor.subject)
    args = (query.starting_after, query.state, like, query.overdue, call.now, *mine, query.limit + 1)
    ids = [row.id for row in await fetch(read, _PAGE, *args)]
    partners = await load_partners(read, ids[: query.limit], lock=False)
    tasks = await _tasks(read, list(partners), call.actor)
    views = tuple(partner.view(tasks.get(partner.id)) for partner in partners.values())
    return Reply(200, PartnerPage(data=views, has_more=len(ids) > query.limit))


async def list_approvals(query: ListApprovals, call: Call, read: Read) -> Outcome:
    partner = await visible(query, call.actor, read)
    if isinstance(partner, Refusal):
        return partner
    return Reply(200, await approvals(read, partner.id, insider=call.actor.holds_any(READERS)))


async def list_dossiers(query: ListDossiers, call: Call, read: Read) -> Outcome:
    partner = await visible(query, call.actor, read)
    return partner if isinstance(partner, Refusal) else Reply(200, await dossiers(read, partner.id))


async def get_dossier(query: GetDossier, call: Call, read: Read) -> Outcome:
    partner = await visible(query, call.actor, read)
    if isinstance(partner, Refusal):
        return partner
    found = await dossier(read, partner.id, query.dossier_version)
    return Reply(200, found) if found else Refusal(Code.NOT_FOUND)


async def get_timeline(query: GetTimeline, call: Call, read: Read) -> Outcome:
    partner = await visible(query, call.actor, read)
    if isinstance(partner, Refusal):
        return partner
    insider = call.actor.holds_any(READERS)
    return Reply(200, await timeline(read, partner.id, query.starting_after or 0, query.limit, insider=insider))


async def visible(query: PartnerQuery, actor: Actor, read: Read) -> Partner | Refusal:
    """S1.15: a removed contact knows that the partner is there, a stranger does not."""
    partner = (await load_partners(read, [query.partner_id], lock=False)).get(query.partner_id)
    if partner and (actor.holds_any(READERS) or partner.is_contact(actor)):
        return partner
    return Refusal(Code.CONTACT_REMOVED if partner and partner.was_contact(actor) else Code.NOT_FOUND)


async def _tasks(read: Read, partner_ids: Sequence[UUID], actor: Actor) -> Mapping[UUID, tuple[TaskView, ...]]:
    """None of anybody's business but the readers'."""
    return await load_tasks(read, partner_ids) if actor.holds_any(READERS) else {}


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


QUERIES: dict[type[Query], QueryHandler] = {
    GetPartner: get_partner,
    ListPartners: list_partners,
    ListApprovals: list_approvals,
    ListDossiers: list_dossiers,
    GetDossier: get_dossier,
    GetTimeline: get_timeline,
    **review.QUERIES,
}
