"""The review beside the batches: pages on their way to people, and timers."""

import structlog

from services.chassis import Service
from services.partners.review.courier import Courier
from services.partners.review.pager import Pager
from services.partners.review.settings import ReviewSettings
from services.partners.review.sweeper import Sweeper

log = structlog.get_logger()


def review(service: Service, settings: ReviewSettings) -> None:
    """Where there is nobody to page, pages wait in the table until there is."""
    if not settings.timers:
        return
    pager = Pager(settings.page_targets)
    service.resources.callback(pager.close)
    service.background.append(Sweeper(service.engine, service.own_commands, pager.levels).run)
    if pager.levels:
        service.background.append(Courier(service.engine, pager, settings.longest_page_pause).run)
    else:
        log.warning("pager.nobody", effect="dossiers arrive and nobody is told")
