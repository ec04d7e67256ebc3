"""Somebody who has left a roster is erased: their name, mail and phone are nowhere, what they did stays."""

from typing import Any, LiteralString
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.erasure import ERASED, EraseContact
from contracts.legal_holds import HoldPartner, ReleasePartner
from contracts.message import EventData
from contracts.partner_events import (
    PartnerContactAdded,
    PartnerContactRemoved,
    PartnerContactUpdated,
    PartnerSubmitted,
)
from contracts.partners import Contact, ReplaceContacts
from deploy.local.stack import Stack
from services.chassis import Outcome, Reply
from services.wire.personal import Keyring, PersonKey, SealedParts, UnopenableError
from tests.partners.counter import Counter, somebody
from tests.partners.desk import ADA, IMPOSTOR, ISSUER, MASTER, ROOT, Office, code, contact, told, view
from tests.support.scan import tables_holding
from tests.support.tables import Tables

REASON = "request 2026/31"


def erasure(partner_id: UUID, version: int, subject: str = "bea", issuer: str = ISSUER) -> EraseContact:
    return EraseContact(partner_id=partner_id, expected_version=version, issuer=issuer, subject=subject, reason=REASON)


def left(office: Office) -> tuple[UUID, int]:
    """A partner whom Bea has left, and its version."""
    partner_id = office.submitted(ADA, "bea")
    return partner_id, view(office.replace(partner_id, ADA.subject)).version


def test_who_left_is_erased_and_told_of_once() -> None:
    office = Office()
    partner_id, version = left(office)

    erased = office.run(erasure(partner_id, version), ROOT)
    again = office.run(erasure(partner_id, version + 1), ROOT)

    assert (told(erased), told(again)) == (["partner.contact.erased"], [])
    bea = view(erased).contacts[1]
    assert (bea.subject, bea.name, bea.email, bea.phone) == ("bea", ERASED, ERASED, ERASED)
    assert view(again) == view(erased)
    assert isinstance(erased, Reply)
    assert "Ada Lovelace" not in erased.facts[0].data.model_dump_json()


def test_who_acts_for_the_partner_is_not_erased() -> None:
    office = Office()
    partner_id = office.submitted(ADA, "bea")

    assert code(office.run(erasure(partner_id, 1), ROOT)) == "PERSON_STILL_ACTIVE"
    gone = view(office.replace(partner_id, ADA.subject)).version
    back = view(office.replace(partner_id, ADA.subject, "bea")).version
    assert gone < back
    assert code(office.run(erasure(partner_id, back), ROOT)) == "PERSON_STILL_ACTIVE"


def test_a_legal_hold_stops_an_erasure_until_it_is_released() -> None:
    office = Office()
    partner_id, version = left(office)
    office.run(HoldPartner(partner_id=partner_id, reason=REASON), ROOT)

    stopped = office.run(erasure(partner_id, version + 1), ROOT)
    office.run(ReleasePartner(partner_id=partner_id, reason=REASON), ROOT)

    assert code(stopped) == "LEGAL_HOLD"
    assert told(office.run(erasure(partner_id, version + 2), ROOT)) == ["partner.contact.erased"]


def test_only_allowlisted_root_admins_who_saw_the_partner_as_it_is() -> None:
    office = Office()
    partner_id, version = left(office)

    assert code(office.run(erasure(partner_id, version), ADA)) == "ROOT_ADMIN_REQUIRED"
    assert code(office.run(erasure(partner_id, version), IMPOSTOR)) == "ROOT_ADMIN_REQUIRED"
    assert code(office.run(erasure(uuid4(), version), ROOT)) == "NOT_FOUND"
    assert code(office.run(erasure(partner_id, version - 1), ROOT)) == "PRECONDITION_FAILED"
    assert code(office.run(erasure(partner_id, version, "nobody"), ROOT)) == "NOT_FOUND"
    assert code(office.run(erasure(partner_id, version, issuer="https://elsewhere.example"), ROOT)) == "NOT_FOUND"


def test_who_comes_back_after_an_erasure_is_somebody_else() -> None:
    office = Office()
    partner_id, version = left(office)
    office.run(erasure(partner_id, version), ROOT)

    back = view(office.replace(partner_id, ADA.subject, "bea"))

    stays = [member for member in office.partner(partner_id).contacts if member.subject == "bea"]
    assert [member.name for member in stays] == [ERASED, "Ada Lovelace"]
    assert stays[0].person_id != stays[1].person_id
    assert [c.status for c in back.contacts if c.subject == "bea"] == ["ACTIVE"]


def test_before_and_after_stand_sealed_in_the_events() -> None:
    office = Office()
    submitted = office.run(office.application(), ADA)
    partner_id = view(submitted).id
    changed = office.replace(partner_id, contact(ADA.subject, "+41446681800", name="Ada King", role="Chair"))
    added = office.replace(partner_id, contact(ADA.subject, "+41446681800", name="Ada King", role="Chair"), "bea")
    gone = office.replace(partner_id, contact(ADA.subject, "+41446681800", name="Ada King", role="Chair"))

    keys = office.book.keys
    assert opened(keys, submitted, PartnerSubmitted) == {
        "contacts.name": "Ada Lovelace",
        "contacts.email": "ada@acme.example",
        "contacts.phone": "+442079460958",
    }
    now = {"name": "Ada King", "email": "ada@acme.example", "phone": "+41446681800"}
    before = {
        "previous_name": "Ada Lovelace",
        "previous_email": "ada@acme.example",
        "previous_phone": "+442079460958",
    }
    assert opened(keys, changed, PartnerContactUpdated) == now | before
    bea = {"name": "Ada Lovelace", "email": "ada@acme.example", "phone": "+442079460958"}
    assert opened(keys, added, PartnerContactAdded) == bea
    assert opened(keys, gone, PartnerContactRemoved) == bea


def opened(keys: Keyring, outcome: Outcome, event: type[EventData]) -> dict[str, str]:
    """What the event of this type says of the person in it."""
    assert isinstance(outcome, Reply), outcome
    (data,) = [fact.data for fact in outcome.facts if isinstance(fact.data, event)]
    fields: dict[str, Any] = data.model_dump()
    for contact_ in fields.pop("contacts", ()):
        fields = {f"contacts.{name}": value for name, value in contact_.items()}
    sealed = {name: value for name, value in fields.items() if str(value).startswith("gh1.")}
    return {
        name: keys.of(SealedParts.of(text).person_id).open(SealedParts.of(text), event.type, name)
        for name, text in sealed.items()
    }


async def test_nothing_of_an_erased_contact_is_left_in_any_table(engine: AsyncEngine, stack: Stack) -> None:
    counter, ada, bea = Counter(engine), somebody(), f"bea-{uuid4()}"
    first, later = canary(bea, "First"), canary(bea, "Later")
    partner_id, version = await left_after_a_change(counter, ada, first, later)
    canaries = [*reach(first), *reach(later)]
    before = tables_holding(stack, canaries, ("partners",))

    erased = await counter.run(erasure(partner_id, version, bea), ROOT)

    assert before[later.email] == {"partners.partner_contacts"}
    assert before[first.email] == {"partners.dossiers"}, "the roster of its day"
    assert told(erased) == ["partner.contact.erased"]
    assert not any(tables_holding(stack, canaries, ("partners",)).values())
    assert keys_of(stack, bea) == 0
    roster: LiteralString = "SELECT roster FROM dossiers WHERE partner_id = %s AND version = 2"
    kept = Tables(stack, "partners").value(roster, partner_id)
    assert [person["name"] for person in kept] == ["Ada Lovelace", ERASED], "its neighbour stays as they were"


async def left_after_a_change(counter: Counter, ada: Any, first: Contact, later: Contact) -> tuple[UUID, int]:
    """Somebody joined as `first`, became `later`, and left."""
    read = await counter.submitted(ada)
    for people in ((first,), (later,), ()):
        command = ReplaceContacts(
            partner_id=read.id, expected_version=read.version, contacts=(contact(ada.subject), *people)
        )
        read = view(await counter.run(command, ada))
    return read.id, read.version


def canary(subject: str, which: str) -> Contact:
    number = f"+4420794{uuid4().int % 100_000:05}"
    return contact(
        subject, number, name=f"Canary {which} {subject[-6:]}", email=f"{which}-{subject[-12:]}@canary.example"
    )


def reach(person: Contact) -> list[str]:
    return [person.name, person.email, person.phone]


def keys_of(stack: Stack, subject: str) -> int:
    counted: LiteralString = (
        "SELECT count(*) FROM partner_contacts JOIN person_keys USING (person_id) WHERE subject = %s"
    )
    return int(Tables(stack, "partners").value(counted, subject))


@pytest.mark.parametrize(
    "change",
    [
        """roster || '[{"name": "somebody"}]'""",
        "'[]'",
        """jsonb_set(roster, '{0,name}', '"Somebody Else"')""",
        """jsonb_set(roster, '{0,name}', '"[erased]"')""",
        """jsonb_set(roster, '{0,subject}', '"[erased]"')""",
    ],
)
async def test_a_dossier_can_lose_people_and_is_never_changed(engine: AsyncEngine, change: str) -> None:
    """What the trigger lets through is the whole erasure of a person, and nothing beside it."""
    read = await Counter(engine).submitted(somebody())

    with pytest.raises(DBAPIError, match="append-only"):
        async with engine.begin() as tx:
            await tx.exec_driver_sql(f"UPDATE dossiers SET roster = {change} WHERE partner_id = $1", (read.id,))


def test_a_sealed_text_opens_only_where_it_was_sealed() -> None:
    person, somebody_else = Keyring(MASTER).of(uuid4()), Keyring(MASTER).of(uuid4())
    sealed = SealedParts.of(person.seal("Ada Lovelace", "staff.renamed", "display_name"))

    assert person.open(sealed, "staff.renamed", "display_name") == "Ada Lovelace"
    for key, event, field in (
        (person, "staff.renamed", "previous_display_name"),
        (person, "staff.provisioned", "display_name"),
        (somebody_else, "staff.renamed", "display_name"),
    ):
        assert cannot_open(key, sealed, event, field)


def cannot_open(key: PersonKey, sealed: SealedParts, event: str, field: str) -> bool:
    with pytest.raises(UnopenableError):
        key.open(sealed, event, field)
    return True


async def test_dead_letters_that_tell_how_to_reach_them_are_emptied_and_no_others(
    engine: AsyncEngine, stack: Stack
) -> None:
    counter, ada, bea = Counter(engine), somebody(), f"bea-{uuid4()}"
    person = canary(bea, "Only")
    partner_id, version = await left_after_a_change(counter, ada, person, person)
    roster = {"partner_id": str(partner_id), "expected_version": 1}
    letters = {
        "a roster they are in": (orjson.dumps({**roster, "contacts": [person.model_dump()]}), True),
        "their number otherwise spelt": (
            orjson.dumps({**roster, "contacts": [{"phone": f"(0) {person.phone[3:6]} {person.phone[6:]}"}]}),
            True,
        ),
        "what is no JSON": (b'{"contacts": [{"name": "' + person.name.encode(), True),
        "somebody of the same name": (orjson.dumps({**roster, "contacts": [{"name": person.name}]}), False),
        "a command that tells nothing personal": (orjson.dumps({"issuer": ISSUER, "subject": bea}), False),
    }
    ids = {what: buried(stack, value) for what, (value, _) in letters.items()}

    await counter.run(erasure(partner_id, version, bea), ROOT)

    tables = Tables(stack, "partners")
    left: LiteralString = "SELECT key, value, headers, error FROM dead_letters WHERE id = %s"
    for what, (value, gone) in letters.items():
        (letter,) = tables.rows(left, ids[what])
        kept = (b"key", value, [["ce_assertion", "YWJj"]], "broke")
        assert tuple(letter.values()) == ((None, b"", [], "broke") if gone else kept), what


def buried(stack: Stack, value: bytes) -> int:
    bury: LiteralString = (
        "INSERT INTO dead_letters (topic, partition, position, key, value, headers, error, tries) VALUES"
        " ('partners.commands', 0, (SELECT COALESCE(max(position), 0) + 1000000 FROM dead_letters), 'key', %s,"
        """ '[["ce_assertion", "YWJj"]]', 'broke', 5) RETURNING id"""
    )
    return int(Tables(stack, "partners").value(bury, value))
