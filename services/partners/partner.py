"""The partner: its states, its people and how it is seen. No I/O.

What moves it stands beside it: `filing.py` (documents, roster), `decisions.py` (verdicts). Every command that changes
anything moves `version` and `updated_at`, and returns the change as facts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID, uuid4

from contracts.legal_holds import PartnerHeld, PartnerReleased
from contracts.message import Actor, Target
from contracts.partner_events import PartnerSubmitted, Reachable, SealedContact
from contracts.partners import ContactView, DossierView, PartnerState, PartnerView, ReviewView, SubmitPartner, TaskView
from services.chassis import Aggregate, Call, Fact
from services.partners.records import Document, Filing, Member, Person, Proposal
from services.wire.personal import Keyring

FORMER_CONTACTS_SHOWN = 50


def person_of(actor: Actor) -> Person:
    return actor.issuer, actor.subject


def named(subject: str) -> Target:
    """What happens to somebody is in their own timeline too (S1.46)."""
    return Target(type="person", id=subject)


@dataclass(kw_only=True, slots=True)
class Partner(Aggregate):
    """`contacts` are all stays, by position; `makers` filed or uploaded something and never decide (K7).

    `makers` is known only where the partner was loaded to be changed.
    """

    kind: ClassVar[str] = "partner"

    state: PartnerState
    name: str
    legal_name: str
    dossier_version: int
    created_at: datetime
    updated_at: datetime
    approved_at: datetime | None = None
    approved_by: str | None = None
    approved_dossier_version: int | None = None
    rereview_due_at: datetime | None = None
    rejected_final: bool = False
    held_at: datetime | None = None
    fields_requested: tuple[str, ...] = ()
    contacts: list[Member] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    makers: set[Person] = field(default_factory=set)
    proposal: Proposal | None = None
    review: ReviewView | None = None

    @classmethod
    def submit(
        cls,
        partner_id: UUID,
        command: SubmitPartner,
        call: Call,
        people: Sequence[ContactView],
        documents: list[Document],
    ) -> tuple["Partner", Filing]:
        partner = cls(
            id=partner_id,
            state=PartnerState.PENDING_REVIEW,
            name=command.name,
            legal_name=command.legal_name,
            dossier_version=0,
            created_at=call.now,
            updated_at=call.now,
        )
        for contact in people:
            partner.add(contact, call.now)
        return partner, partner.file(documents, call)

    @property
    def roster(self) -> list[Member]:
        """Who may act for it now."""
        return [member for member in self.contacts if member.active]

    def is_contact(self, actor: Actor) -> bool:
        return any(member.person == person_of(actor) for member in self.roster)

    def was_contact(self, actor: Actor) -> bool:
        """Is in the roster, or was at any time."""
        return any(member.person == person_of(actor) for member in self.contacts)

    def is_maker(self, actor: Actor) -> bool:
        """K7: nobody decides on a partner whose roster they were ever in or whose dossier they had a hand in."""
        return self.was_contact(actor) or person_of(actor) in self.makers

    def role_of(self, person: Person) -> str:
        """The role of somebody's last stay."""
        return next(member.role for member in reversed(self.contacts) if member.person == person)

    def moved(self, call: Call) -> datetime:
        """The moment of this change; strictly later than the one before, also within one batch (S1.16)."""
        self.updated_at = max(call.now, self.updated_at + timedelta(microseconds=1))
        return self.updated_at

    def add(self, contact: ContactView, at: datetime) -> Member:
        place, person_id = len(self.contacts), self._person_id(contact)
        member = Member.model_construct(**contact.__dict__, position=place, added_at=at, person_id=person_id)
        self.contacts.append(member)
        return member

    def _person_id(self, contact: ContactView) -> UUID:
        """Whoever was here before is the same person, unless they were erased."""
        person = (contact.issuer, contact.subject)
        known = (m.person_id for m in reversed(self.contacts) if m.person == person and m.erased_at is None)
        return next(known, None) or uuid4()

    def file(self, documents: Sequence[Document], call: Call) -> Filing:
        """The next version: these documents in the place of older ones of their kind, the others as they were."""
        current = {document.kind: document for document in (*self.documents, *documents)}
        self.documents = [current[kind] for kind in sorted(current)]
        self.dossier_version += 1
        self.makers |= {person_of(call.actor)}
        self.makers |= {(d.uploaded_by_issuer, d.uploaded_by) for d in documents}
        filed_by = person_of(call.actor)
        return Filing(self.id, self.dossier_version, *filed_by, self.updated_at, self.documents, self.roster)

    def hold(self, reason: str, call: Call) -> list[Fact]:
        """Held once, told once."""
        if self.held_at is not None:
            return []
        self.held_at = self.moved(call)
        return [self.record(PartnerHeld(partner_id=self.id, reason=reason))]

    def release(self, reason: str, call: Call) -> list[Fact]:
        if self.held_at is None:
            return []
        self.held_at = None
        self.moved(call)
        return [self.record(PartnerReleased(partner_id=self.id, reason=reason))]

    def view(self, tasks: tuple[TaskView, ...] | None = None) -> PartnerView:
        """The `partner` shape of api.md; `tasks` for those who look after them."""
        return PartnerView(
            id=self.id,
            state=self.state,
            name=self.name,
            legal_name=self.legal_name,
            contacts=tuple(self._people()),
            dossier=DossierView(version=self.dossier_version, documents=tuple(self.documents)),
            approved_at=self.approved_at,
            approved_by=self.approved_by,
            approved_dossier_version=self.approved_dossier_version,
            rereview_due_at=self.rereview_due_at,
            fields_requested=self.fields_requested,
            approvals_pending=int(self.proposal is not None),
            review=self.review,
            tasks=tasks,
            created_at=self.created_at,
            updated_at=self.updated_at,
            version=self.version,
        )

    def _people(self) -> list[Member]:
        """The roster, then the last stay of those who left most recently."""
        roster = self.roster
        if len(roster) == len(self.contacts):
            return roster
        there = {member.person for member in roster}
        left = {m.person: m for m in self.contacts if m.person not in there}
        recent = sorted(left.values(), key=lambda m: (m.removed_at or m.added_at, m.position))
        return roster + recent[-FORMER_CONTACTS_SHOWN:]

    def submitted(self, keys: Keyring) -> Fact:
        """What is told of a new partner, its people sealed."""
        data = PartnerSubmitted(
            name=self.name,
            legal_name=self.legal_name,
            state=self.state,
            dossier_version=self.dossier_version,
            documents=tuple(self.documents),
            contacts=tuple(_sealed(member, keys) for member in self.contacts),
        )
        return self.record(data, *(named(member.subject) for member in self.contacts))


def _sealed(member: Member, keys: Keyring) -> SealedContact:
    key, place = keys.of(member.person_id), PartnerSubmitted.type
    reach = {name: key.seal(getattr(member, name), place, f"contacts.{name}") for name in Reachable.model_fields}
    return SealedContact(issuer=member.issuer, subject=member.subject, role=member.role, **reach)
