"""Later dossiers and rosters; both go through one function, so they have the same effects (S1.13, S1.42)."""

from collections.abc import Sequence

from contracts.failures import Code
from contracts.partners import Contact, FileDossier, ReplaceContacts
from services.chassis import Call, Outcome, Refusal, Reply
from services.chassis.commands import Handler
from services.partners.access import is_root_admin, refuse_outsider
from services.partners.book import Book
from services.partners.dossiers.dossier import check_update, keys_of
from services.partners.dossiers.filing import differing, refuse_final, take_in
from services.partners.partner import Partner
from services.partners.records import Document
from services.partners.review.moves import dossier_arrived
from services.partners.roster import Changed, Difference, change_roster, compare, read_roster, refuse_change


def file_dossier(command: FileDossier, call: Call, book: Book) -> Outcome:
    partner = book.partners.get(command.partner_id)
    refused = refuse_outsider(partner, call.actor, book.root_admins)
    if refused or partner is None:
        return refused or Refusal(Code.NOT_FOUND)
    if command.contacts is None and not keys_of(command):
        return Refusal(Code.DOSSIER_EMPTY)
    documents = check_update(command, book)
    if isinstance(documents, Refusal):
        return documents
    people = _difference(partner, command.contacts, call, book)
    if isinstance(people, Refusal):
        return people
    return refuse_final(partner) or _take_in(partner, differing(partner, documents), people, call, book)


def replace_contacts(command: ReplaceContacts, call: Call, book: Book) -> Outcome:
    """Leaving stays possible after a final rejection: whoever left may act for another partner."""
    partner = book.partners.get(command.partner_id)
    refused = refuse_outsider(partner, call.actor, book.root_admins)
    if refused or partner is None:
        return refused or Refusal(Code.NOT_FOUND)
    people = _difference(partner, command.contacts, call, book)
    if isinstance(people, Refusal):
        return people
    if command.expected_version != partner.version:
        return Refusal(Code.PRECONDITION_FAILED, f"the partner is at version {partner.version}")
    refused = refuse_final(partner) if people.added else None
    return refused or _take_in(partner, [], people, call, book)


def _difference(partner: Partner, contacts: Sequence[Contact] | None, call: Call, book: Book) -> Difference | Refusal:
    if contacts is None:
        return Difference()
    wanted = read_roster(contacts, call.actor)
    if isinstance(wanted, Refusal):
        return wanted
    change = compare(partner, wanted)
    by_root_admin = is_root_admin(call.actor, book.root_admins)
    return refuse_change(partner, change, book.taken, by_root_admin=by_root_admin) or change


def _take_in(partner: Partner, documents: list[Document], people: Difference, call: Call, book: Book) -> Reply:
    """The caller has asked `roster.refuse_change`."""
    roster = Changed()
    if documents or people:
        roster = change_roster(partner, people, partner.moved(call), book.keys)
    filed = take_in(partner, documents, roster, call, book.rules)
    if filed.facts:
        book.record_filed(partner, filed)
    if filed.filing:
        filed.facts += dossier_arrived(partner, call, book)
    return Reply(200, partner.view(), filed.facts, partner.etag)


HANDLERS: dict[type, Handler] = {FileDossier: file_dossier, ReplaceContacts: replace_contacts}
