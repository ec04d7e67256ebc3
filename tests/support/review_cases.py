"""How each command of a review is prepared: its moment has come. The service's own timers must stand still
(`GATEHOUSE_TIMERS=false`), or they would be first, and there must be a second level to page.
"""

from typing import LiteralString
from uuid import UUID

from contracts.message import Actor, Command
from contracts.reviews import AcknowledgePage, BreachReview, EscalatePage, WarnReview
from tests.support.bus import Bus
from tests.support.cases import Prepared, case
from tests.support.partner_cases import submitted
from tests.support.people import root_admin, system
from tests.support.tables import Tables

NO_TIMERS = {
    "GATEHOUSE_TIMERS": "false",
    "GATEHOUSE_EXPORT_JOBS": "false",
    "OTC_PAGER_LEVEL_1": "json://127.0.0.1:9/duty",
    "OTC_PAGER_LEVEL_2": "json://127.0.0.1:9/head",
}
TIMER = system("partners")


@case(WarnReview)
async def warn_review(bus: Bus) -> Prepared:
    partner_id = await overdue(bus)
    return _told_once(WarnReview(partner_id=partner_id, round=1), TIMER, partner_id, "partner.review_warned")


@case(BreachReview)
async def breach_review(bus: Bus) -> Prepared:
    partner_id = await overdue(bus)
    return _told_once(BreachReview(partner_id=partner_id, round=1), TIMER, partner_id, "partner.review_breached")


@case(EscalatePage)
async def escalate_page(bus: Bus) -> Prepared:
    partner_id = await overdue(bus)
    page_id = page_of(bus, partner_id)
    return _told_once(EscalatePage(partner_id=partner_id, page_id=page_id, level=2), TIMER, page_id, "page.escalated")


@case(AcknowledgePage)
async def acknowledge_page(bus: Bus) -> Prepared:
    page_id = page_of(bus, (await submitted(bus)).partner_id)
    return _told_once(AcknowledgePage(page_id=page_id), root_admin(bus.stack), page_id, "page.acknowledged")


async def overdue(bus: Bus) -> UUID:
    """A partner whose review has taken too long and whose page nobody acknowledged."""
    partner_id = (await submitted(bus)).partner_id
    with Tables(bus.stack, "partners").connection() as tables:
        tables.execute(
            "UPDATE reviews SET running_since = now() - interval '9 days', warn_at = now() - interval '2 days',"
            " due_at = now() - interval '1 day' WHERE partner_id = %s",
            (partner_id,),
        )
        tables.execute("UPDATE pages SET escalate_at = now() WHERE partner_id = %s", (partner_id,))
    return partner_id


def page_of(bus: Bus, partner_id: UUID) -> UUID:
    found: UUID = Tables(bus.stack, "partners").value("SELECT id FROM pages WHERE partner_id = %s", partner_id)
    return found


def _told_once(command: Command, actor: Actor, aggregate_id: UUID, event: str) -> Prepared:
    counted: LiteralString = "SELECT count(*) FROM outbox WHERE aggregate_id = %s AND topic = %s"
    return Prepared(command, actor, lambda tables: tables.value(counted, aggregate_id, event), (event,))
