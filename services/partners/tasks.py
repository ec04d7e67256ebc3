"""What is still to be done for partners and may need somebody's eye."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from contracts.partners import TaskView
from services.chassis import Read, fetch

_DEACTIVATIONS = """
    SELECT partner_id, subject, removed_at, tries, failure FROM deactivations
    WHERE partner_id = ANY($1::uuid[]) AND status = 'pending' ORDER BY removed_at, subject
"""


async def load_tasks(read: Read, partner_ids: Sequence[UUID]) -> Mapping[UUID, tuple[TaskView, ...]]:
    """The open tasks of each partner, oldest first; an entry for each id."""
    found: defaultdict[UUID, list[TaskView]] = defaultdict(list)
    for partner_id, subject, since, tries, failure in await fetch(read, _DEACTIVATIONS, list(partner_ids)):
        task = TaskView(kind="deactivate_contact", subject=subject, since=since, tries=tries, failure=failure)
        found[partner_id].append(task)
    return {partner_id: tuple(found[partner_id]) for partner_id in partner_ids}
