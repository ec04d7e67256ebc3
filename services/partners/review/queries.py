"""Questions about pages; who may ask stands in the contract."""

from contracts.message import Query
from contracts.reviews import ListPages, PagePage
from services.chassis import Call, Outcome, Read, Reply, fetch_dicts
from services.chassis.queries import QueryHandler
from services.partners.review.store import PAGE, page_of

_LIST = f"""
    {PAGE}
    WHERE ($1::uuid IS NULL OR p.id > $1) AND ($2::text IS NULL OR p.state = $2) ORDER BY p.id LIMIT $3
"""


async def list_pages(query: ListPages, _: Call, read: Read) -> Outcome:
    rows = await fetch_dicts(read, _LIST, query.starting_after, query.state, query.limit + 1)
    views = tuple(page_of(row).view() for row in rows[: query.limit])
    return Reply(200, PagePage(data=views, has_more=len(rows) > query.limit))


QUERIES: dict[type[Query], QueryHandler] = {ListPages: list_pages}
