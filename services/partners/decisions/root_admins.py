"""The allowlist as the log knows it: who may decide, and since when that is known (S1.19)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import NAMESPACE_URL, UUID, uuid5

from contracts.partner_events import RootAdminsChanged
from services.chassis import Aggregate, Fact

ALLOWLIST_ID: UUID = uuid5(NAMESPACE_URL, "gatehouse:root_admins")


@dataclass(kw_only=True, slots=True)
class RootAdmins(Aggregate):
    """There is one; before the first record its version is 0 and nobody is on it."""

    kind: ClassVar[str] = "allowlist"

    id: UUID = ALLOWLIST_ID
    subjects: tuple[str, ...] = ()

    def become(self, subjects: Sequence[str]) -> list[Fact]:
        """The one fact of what was added and removed, or none."""
        before, after = set(self.subjects), set(subjects)
        if before == after:
            return []
        self.subjects = tuple(sorted(after))
        changed = RootAdminsChanged(added=tuple(sorted(after - before)), removed=tuple(sorted(before - after)))
        return [self.record(changed)]
