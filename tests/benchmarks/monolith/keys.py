"""The monolith seals what events say of people as Gatehouse does, with keys that it does not keep: a row less."""

import os
from uuid import UUID, uuid4

from contracts.partner_events import PartnerSubmitted, Reachable, SealedContact
from contracts.partners import ContactView
from services.wire.personal import PersonKey


def new_key(person_id: UUID) -> PersonKey:
    return PersonKey(person_id, os.urandom(32))


def sealed_contact(contact: ContactView) -> SealedContact:
    key, place = new_key(uuid4()), PartnerSubmitted.type
    reach = {name: key.seal(getattr(contact, name), place, f"contacts.{name}") for name in Reachable.model_fields}
    return SealedContact(issuer=contact.issuer, subject=contact.subject, role=contact.role, **reach)
