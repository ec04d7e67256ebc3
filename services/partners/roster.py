"""A roster: read from a request, compared with the one in force, put in its place.

The last contact can't go (S1.42): a roster is never empty, and at least one person who acts for the partner now
stays in it, so that nobody who came in once can hand the partner over to strangers. Only a root admin may do that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import phonenumbers

from contracts.failures import Code, FieldError
from contracts.message import Actor
from contracts.partner_events import PartnerContactAdded, PartnerContactRemoved, PartnerContactUpdated
from contracts.partners import Contact, ContactView
from services.chassis import Fact, Refusal
from services.partners.partner import Partner, named
from services.partners.records import Member, Person
from services.wire.personal import Keyring

REMOVED = "REMOVED"


@dataclass(slots=True)
class Difference:
    """From the roster in force to the wanted one; `updated` pairs who is there with what is new about them."""

    added: list[ContactView] = field(default_factory=list)
    updated: list[tuple[Member, ContactView]] = field(default_factory=list)
    removed: list[Member] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.updated or self.removed)


def read_roster(contacts: Sequence[Contact], actor: Actor) -> list[ContactView] | Refusal:
    """The people with phones in E.164 (S1.8), each once (S1.11)."""
    roster: list[ContactView] = []
    errors: list[FieldError] = []
    seen: set[Person] = set()
    for n, contact in enumerate(contacts):
        phone = _e164(contact.phone)
        if phone is None:
            errors.append(
                FieldError(pointer=f"/contacts/{n}/phone", code="PHONE_INVALID", detail="not a phone number with +")
            )
            continue
        person = (contact.issuer or actor.issuer, contact.subject)
        if person in seen:
            pointer = FieldError(pointer=f"/contacts/{n}/subject", code="DUPLICATE_SUBJECT", detail="stands twice")
            return Refusal(Code.DUPLICATE_SUBJECT, extra={"errors": [pointer]})
        seen.add(person)
        roster.append(_view(contact, person, phone))
    return Refusal(Code.VALIDATION_FAILED, extra={"errors": errors}) if errors else roster


def compare(partner: Partner, wanted: Sequence[ContactView]) -> Difference:
    here = {member.person: member for member in partner.roster}
    there = {(contact.issuer, contact.subject): contact for contact in wanted}
    return Difference(
        added=[contact for person, contact in there.items() if person not in here],
        updated=[(here[p], contact) for p, contact in there.items() if p in here and _differ(here[p], contact)],
        removed=[member for person, member in here.items() if person not in there],
    )


def refuse_change(
    partner: Partner, change: Difference, taken: Mapping[Person, UUID], *, by_root_admin: bool
) -> Refusal | None:
    """Why the roster may not become this one."""
    left = len(partner.roster) - len(change.removed)
    if left == 0 and not (change.added and by_root_admin):
        return Refusal(Code.LAST_CONTACT, "somebody who acts for the partner now must stay in the roster")
    return refuse_taken(partner.id, change.added, taken)


def refuse_taken(partner_id: UUID, people: Sequence[ContactView], taken: Mapping[Person, UUID]) -> Refusal | None:
    """Nobody acts for two partners (S1.12); which other one it is stays untold."""
    if any(taken.get((contact.issuer, contact.subject), partner_id) != partner_id for contact in people):
        return Refusal(Code.SUBJECT_ALREADY_REGISTERED)
    return None


@dataclass(slots=True)
class Changed:
    """Stays that began, and stays that changed or ended, with the facts of both."""

    began: list[Member] = field(default_factory=list)
    changed: list[Member] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)


def change_roster(partner: Partner, difference: Difference, at: datetime, keys: Keyring) -> Changed:
    """Put the difference into force; what is told of anybody is sealed with their own key."""
    done = Changed()
    for member in difference.removed:
        gone = _set(partner, member, status=REMOVED, removed_at=at)
        done.changed.append(gone)
        sealed = keys.of(gone.person_id).fields(PartnerContactRemoved, **_reach(gone))
        removed = PartnerContactRemoved(**_subject(gone), **sealed, removed_at=at)
        done.facts.append(partner.record(removed, named(gone.subject)))
    for member, contact in difference.updated:
        changed = _set(partner, member, **contact.__dict__)
        done.changed.append(changed)
        before = {f"previous_{name}": value for name, value in _reach(member).items()}
        sealed = keys.of(changed.person_id).fields(PartnerContactUpdated, **_reach(changed), **before)
        updated = PartnerContactUpdated(**_subject(changed), **sealed, previous_role=member.role)
        done.facts.append(partner.record(updated, named(changed.subject)))
    for contact in difference.added:
        member = partner.add(contact, at)
        done.began.append(member)
        sealed = keys.of(member.person_id).fields(PartnerContactAdded, **_reach(member))
        added = PartnerContactAdded(**_subject(member), **sealed)
        done.facts.append(partner.record(added, named(member.subject)))
    return done


def _set(partner: Partner, member: Member, **changes: object) -> Member:
    changed = member.model_copy(update=changes)
    partner.contacts[member.position] = changed
    return changed


def _differ(member: Member, contact: ContactView) -> bool:
    return any(getattr(member, name) != value for name, value in contact.__dict__.items())


def _subject(contact: ContactView) -> dict[str, str]:
    return {"issuer": contact.issuer, "subject": contact.subject, "role": contact.role}


def _reach(contact: ContactView) -> dict[str, str]:
    return {"name": contact.name, "email": contact.email, "phone": contact.phone}


def _view(contact: Contact, person: Person, phone: str) -> ContactView:
    issuer, subject = person
    return ContactView(
        name=contact.name, email=contact.email, phone=phone, role=contact.role, issuer=issuer, subject=subject
    )


def _e164(phone: str) -> str | None:
    try:
        number = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
