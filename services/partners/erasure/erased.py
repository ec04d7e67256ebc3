"""Somebody who is being erased: what gives them away, and what a stored answer says without them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import phonenumbers

from contracts.erasure import ERASED
from services.partners.records import Member
from services.people.erasing import Traces


@dataclass(frozen=True, slots=True)
class ErasedContact:
    """One person at one partner; `places` are their stays."""

    partner_id: UUID
    person_id: UUID
    issuer: str
    subject: str
    places: tuple[int, ...]
    traces: Traces

    @classmethod
    def of(cls, partner_id: UUID, stays: Sequence[Member]) -> "ErasedContact":
        last = stays[-1]
        reach = {text for member in stays for text in (member.email, member.phone)}
        numbers = frozenset(_national(member.phone) for member in stays)
        traces = Traces(frozenset({last.subject, *reach}), numbers, frozenset(member.name for member in stays))
        places = tuple(member.position for member in stays)
        return cls(partner_id, last.person_id, last.issuer, last.subject, places, traces)

    def is_named_in(self, letter: bytes) -> bool:
        """Whether a dead letter tells how to reach them: rosters do, and nothing else."""
        return b"contacts" in letter and self.traces.are_in(letter)

    def rewrite(self, answer: Any) -> Any:
        """A stored answer without what was personal."""
        for contact in answer.get("contacts") or ():
            if (contact["issuer"], contact["subject"]) == (self.issuer, self.subject):
                contact |= {"name": ERASED, "email": ERASED, "phone": ERASED}
        return answer


def _national(phone: str) -> str:
    return phonenumbers.national_significant_number(phonenumbers.parse(phone))
