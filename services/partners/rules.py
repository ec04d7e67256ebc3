"""What the desk's owner may set: how many must agree, how long a re-review may take."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Rules:
    """`approvals_required` is 1 or 2 (K7); `rereview` is the time from a changed dossier to its deadline (K8)."""

    approvals_required: int = 1
    rereview: timedelta = timedelta(days=14)
