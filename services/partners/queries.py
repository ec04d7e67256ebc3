"""Questions about partners: own ones, or all for a reader role. A stranger's partner is not there."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from contracts.failures import Code
from contracts.message import Actor, Query
from contracts.partners import (
    READERS,
    ApprovalPage,
    ApprovalView,
    GetPartner,
    ListApprovals,
    ListPartners,
    PartnerPage,
    Verdict,
)
from services.chassis import Call, Outcome, Read, Refusal, Reply, fetch, fetch_dicts
from services.chassis.queries import QueryHandler
from services.partners.partner import Partner
from services.partners.store import load_partners


class OfOnePartner(Protocol):
    """A question about one partner."""

    @property
    def partner_id(self) -> UUID: ...


_PAGE = """
    SELECT p.id FROM partners p
    WHERE ($1::uuid IS NULL OR p.id > $1) AND ($2::text IS NULL OR p.state = $2)
      AND ($3::text IS NULL OR p.name ILIKE $3 OR p.legal_name ILIKE $3)
      AND ($4 OR EXISTS (SELECT FROM partner_contacts c WHERE c.partner_id = p.id
                         AND c.issuer = $5 AND c.subject = $6 AND c.status = 'ACTIVE'))
    ORDER BY p.id LIMIT $7
"""
_APPROVALS = """
    SELECT id, decision, notes, internal_notes, reason_code, dossier_version, decided_by, decided_at
    FROM partner_approvals WHERE partner_id = $1 ORDER BY decided_at, id
"""


async def get_partner(query: GetPartner, call: Call, read: Read) -> Outcome:
    partner = await visible(query, call.actor, read)
    return Reply(200, partner.view(), etag=partner.etag) if partner else Refusal(Code.NOT_FOUND)


async def list_partners(query: ListPartners, call: Call, read: Read) -> Outcome:
    like = f"%{_literal(query.q)}%" if query.q else None
    mine = (call.actor.holds_any(READERS), call.actor.issuer, call.actor.subject)
    args = (query.starting_after, query.state, like, *mine, query.limit + 1)
    ids = [row.id for row in await fetch(read, _PAGE, *args)]
    partners = await load_partners(read, ids[: query.limit], lock=False)
    views = tuple(partner.view() for partner in partners.values())
    return Reply(200, PartnerPage(data=views, has_more=len(ids) > query.limit))


async def list_approvals(query: ListApprovals, call: Call, read: Read) -> Outcome:
    if await visible(query, call.actor, read) is None:
        return Refusal(Code.NOT_FOUND)
    rows = await fetch_dicts(read, _APPROVALS, query.partner_id)
    insider = call.actor.holds_any(READERS)
    views = tuple(_approval(row, insider=insider) for row in rows)
    return Reply(200, ApprovalPage(data=views, has_more=False))


def _approval(row: Mapping[str, Any], *, insider: bool) -> ApprovalView:
    """K4: internal notes never reach the partner."""
    shown = {**row, "decision": Verdict(row["decision"])}
    return ApprovalView(**(shown if insider else {**shown, "internal_notes": None}))


async def visible(query: OfOnePartner, actor: Actor, read: Read) -> Partner | None:
    """The partner, for its own contacts and for reader roles."""
    partner = (await load_partners(read, [query.partner_id], lock=False)).get(query.partner_id)
    seen = partner and (actor.holds_any(READERS) or partner.is_contact(actor))
    return partner if seen else None


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


QUERIES: dict[type[Query], QueryHandler] = {
    GetPartner: get_partner,
    ListPartners: list_partners,
    ListApprovals: list_approvals,
}
