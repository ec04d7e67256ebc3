"""What the gateway tells of the calls that it refuses itself, before an owner of data has seen them.

The gateway has no database: these events go straight to Kafka. Their aggregate is one run of one gateway, from its
start to its end, and its versions count from 1 without a gap: one that gets lost is missed like any other (A17).
"""

from datetime import datetime
from typing import ClassVar

from contracts.message import EventData


class RequestRefused(EventData):
    """One call was turned down; who, from where and with what code stand in the envelope.

    `route` is the template of the path, and targets are only those of its ids that are UUIDs: nothing that a caller
    wrote into a path, a query, a header or a body is kept.
    """

    type: ClassVar[str] = "gateway.refused"

    instance: int
    method: str
    route: str
    status: int


class RefusalsDropped(EventData):
    """Calls that were turned down and have no event of their own: too many at once, or paths that do not exist.

    `codes` counts them by failure code.
    """

    type: ClassVar[str] = "gateway.refusals_dropped"

    instance: int
    since: datetime
    until: datetime
    count: int
    codes: dict[str, int]
