"""Everything a decision depends on, and nothing else: facts of the partner, values of the policy (K1, K8).

A deadline is the first moment that is too late: at that very microsecond the thing is overdue.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.gate import Capability
from contracts.partners import DocumentKind, PartnerState

__all__ = ["DOSSIER", "EDITION", "Capability", "Facts", "Policy"]

EDITION = "2026-11"
"""Names the rules of this package; a change of what they decide needs a new one."""

DOSSIER = (DocumentKind.KYB, DocumentKind.LICENSING)
LONGEST = timedelta(days=36_525)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the rules are set. A dossier change after approval is to be reviewed within `rereview_window` (K8)."""

    approvals_required: int = 1
    strict: bool = False
    document_max_age: timedelta = timedelta(days=365)
    rereview_window: timedelta = timedelta(days=14)

    def __post_init__(self) -> None:
        if self.approvals_required not in (1, 2):
            raise ValueError("one or two approvers")
        if not timedelta(0) < self.document_max_age <= LONGEST or not timedelta(0) < self.rereview_window <= LONGEST:
            raise ValueError(f"an age and a window lie above 0 and within {LONGEST.days} days")

    @property
    def version(self) -> str:
        """A stable name: two policies with one name decide alike."""
        manner = "strict" if self.strict else "lenient"
        spans = f"{_span(self.document_max_age)}/{_span(self.rereview_window)}"
        return f"{EDITION}/{manner}/{self.approvals_required}/{spans}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a partner at one moment. Facts that contradict each other close the gate, never open it.

    `approved_dossier_version` is what the approval in force reviewed, `rereview_due_at` the deadline of a re-review
    that is open, `fields_requested` the JSON pointers that request-info asked for, `proposals` the approvals given so
    far for the current dossier version, `documents` the kind and age of each current document.
    """

    state: PartnerState
    dossier_version: int
    documents: tuple[tuple[str, datetime], ...]
    active_contacts: int
    approved_dossier_version: int | None = None
    rereview_due_at: datetime | None = None
    rejected_final: bool = False
    fields_requested: tuple[str, ...] = ()
    proposals: int = 0

    @property
    def rereview_open(self) -> bool:
        """Whether the approval in force is one of an older dossier (K8)."""
        return self.state is PartnerState.APPROVED and self.approved_dossier_version != self.dossier_version


def _span(length: timedelta) -> str:
    exact = f"{length.days}d"
    seconds = f"{length.seconds}s" if length.seconds else ""
    return exact + seconds + (f"{length.microseconds}us" if length.microseconds else "")
