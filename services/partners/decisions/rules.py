"""What the desk's owner may set: how many must agree, how long a review or a re-review may take, whom to page."""

from dataclasses import dataclass, field
from datetime import timedelta

from services.partners.review.clock import SlaPolicy
from services.partners.review.page import PagePolicy
from services.partners.review.settings import ReviewSettings


def _usual_sla() -> SlaPolicy:
    return ReviewSettings().sla


def _nobody_to_page() -> PagePolicy:
    return ReviewSettings().paging


@dataclass(frozen=True, slots=True)
class Rules:
    """`approvals_required` is 1 or 2 (K7); `rereview` is the time from a changed dossier to its deadline (K8)."""

    approvals_required: int = 1
    rereview: timedelta = timedelta(days=14)
    sla: SlaPolicy = field(default_factory=_usual_sla)
    paging: PagePolicy = field(default_factory=_nobody_to_page)
