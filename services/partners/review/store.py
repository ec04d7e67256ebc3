"""Reviews and pages in PostgreSQL, by sets."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from contracts.reviews import Delivery, PageState
from services.chassis import Read, Write, fetch_dicts, insert
from services.partners.review.clock import ReviewClock
from services.partners.review.page import Page

_REVIEWS = """
    SELECT DISTINCT ON (partner_id) partner_id, round, opened_at, used_seconds, running_since, warn_at, due_at,
        warned_at, breached_at, closed_at
    FROM reviews WHERE partner_id = ANY($1::uuid[]) ORDER BY partner_id, round DESC
"""
_SAVE_REVIEWS = """
    INSERT INTO reviews AS r (partner_id, round, opened_at, used_seconds, running_since, warn_at, due_at, warned_at,
        breached_at, closed_at)
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::int[], $5::timestamptz[], $6::timestamptz[],
        $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[])
    ON CONFLICT (partner_id, round) DO UPDATE SET used_seconds = EXCLUDED.used_seconds,
        running_since = EXCLUDED.running_since, warn_at = EXCLUDED.warn_at, due_at = EXCLUDED.due_at,
        warned_at = EXCLUDED.warned_at, breached_at = EXCLUDED.breached_at, closed_at = EXCLUDED.closed_at
"""
PAGE = """
    SELECT p.id, p.version, p.partner_id, p.dossier_version, p.state, p.level, p.raised_at, p.escalate_at,
        p.acknowledged_at, p.acknowledged_by_issuer, p.acknowledged_by, p.resolved_at, d.status AS delivery, d.tries
    FROM pages p JOIN page_deliveries d ON d.page_id = p.id AND d.level = p.level
"""
# Of a partner's pages those that may still change, and the newest: it says for which version there is one already.
_PAGES = f"""
    {PAGE}
    WHERE p.id = ANY($1::uuid[]) OR p.partner_id = ANY($2::uuid[]) AND (p.state <> 'RESOLVED' OR p.dossier_version =
        (SELECT max(n.dossier_version) FROM pages n WHERE n.partner_id = p.partner_id))
    ORDER BY p.id
"""  # noqa: S608
_SAVE_PAGES = """
    UPDATE pages p SET version = n.version, state = n.state, level = n.level, escalate_at = n.escalate_at,
        acknowledged_at = n.acknowledged_at, acknowledged_by_issuer = n.acknowledged_by_issuer,
        acknowledged_by = n.acknowledged_by, resolved_at = n.resolved_at
    FROM unnest($1::uuid[], $2::int[], $3::text[], $4::smallint[], $5::timestamptz[], $6::timestamptz[], $7::text[],
        $8::text[], $9::timestamptz[])
        AS n(id, version, state, level, escalate_at, acknowledged_at, acknowledged_by_issuer, acknowledged_by,
            resolved_at)
    WHERE p.id = n.id
"""
_PAGE_COLUMNS = (
    "id",
    "version",
    "state",
    "level",
    "escalate_at",
    "acknowledged_at",
    "acknowledged_by_issuer",
    "acknowledged_by",
    "resolved_at",
)
_DELIVER = """
    INSERT INTO page_deliveries (page_id, level, status, next_try_at)
    SELECT id, level, 'queued', now() FROM unnest($1::uuid[], $2::smallint[]) AS n(id, level) ON CONFLICT DO NOTHING
"""
_CANCEL = """
    UPDATE page_deliveries SET status = 'cancelled'
    WHERE page_id = ANY($1::uuid[]) AND status IN ('queued', 'failed')
"""


async def load_reviews(connection: Read | Write, partner_ids: Sequence[UUID]) -> dict[UUID, ReviewClock]:
    """The newest round of each partner, open or closed; in a batch the partner's own lock guards it."""
    if not partner_ids:
        return {}
    rows = await fetch_dicts(connection, _REVIEWS, list(partner_ids))
    return {row.pop("partner_id"): ReviewClock(**row) for row in rows}


async def save_reviews(tx: Write, changed: Mapping[tuple[UUID, int], ReviewClock]) -> None:
    """Write these rounds, new or not; an older round first, so that it is closed before the next is opened."""
    if not changed:
        return
    rounds = sorted(changed.items(), key=lambda item: item[0])
    columns = [[getattr(clock, name) for _, clock in rounds] for name in (f.name for f in fields(ReviewClock))]
    await tx.exec_driver_sql(_SAVE_REVIEWS, ([partner_id for (partner_id, _), _ in rounds], *columns))


async def load_pages(
    connection: Read | Write, *, ids: Collection[UUID] = (), partner_ids: Collection[UUID] = (), lock: bool = False
) -> dict[UUID, Page]:
    """These pages, and those of these partners that may still change; locked in id order, after the partners."""
    if not ids and not partner_ids:
        return {}
    statement = _PAGES + ("FOR UPDATE OF p" if lock else "")
    rows = await fetch_dicts(connection, statement, sorted(ids), sorted(partner_ids))
    return {row["id"]: page_of(row) for row in rows}


def page_of(row: Mapping[str, Any]) -> Page:
    return Page(**{**row, "state": PageState(row["state"]), "delivery": Delivery(row["delivery"])})


async def save_pages(tx: Write, new: Sequence[Page], changed: Mapping[UUID, Page]) -> None:
    """Write pages, after their dossiers; a new level is queued, and what nobody waits for any more is not sent."""
    names = [f.name for f in fields(Page) if f.name not in ("delivery", "tries")]
    await insert(tx, "pages", [{name: getattr(page, name) for name in names} for page in new])
    fresh = {page.id for page in new}
    moved = [page for page in changed.values() if page.id not in fresh]
    if moved:
        columns = ([getattr(page, name) for page in moved] for name in _PAGE_COLUMNS)
        await tx.exec_driver_sql(_SAVE_PAGES, tuple(columns))
    pages = [*new, *moved]
    if pages:
        await tx.exec_driver_sql(_DELIVER, ([page.id for page in pages], [page.level for page in pages]))
    settled = [page.id for page in pages if page.state is not PageState.OPEN]
    if settled:
        await tx.exec_driver_sql(_CANCEL, (settled,))
