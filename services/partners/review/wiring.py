"""The review beside the batches: pages on their way to people, and timers."""

import structlog

from contracts.reviews import PageEscalated, PageRaised
from services.chassis import Service
from services.partners.review.courier import Courier
from services.partners.review.pager import Pager
from services.partners.review.settings import ReviewSettings
from services.partners.review.sweeper import Sweeper

log = structlog.get_logger()


def review(service: Service, settings: ReviewSettings) -> None:
    pager = Pager(settings.page_targets)
    service.resources.callback(pager.close)
    if not pager.levels:
        log.warning("pager.nobody", effect="dossiers arrive and nobody is told; pages say so")
    courier = Courier(service.engine, pager)
    service.events("pages", [PageRaised.type, PageEscalated.type], courier.on_events)
    service.background.append(courier.run)
    if settings.timers:
        service.background.append(Sweeper(service.engine, service.own_commands, pager.levels).run)
