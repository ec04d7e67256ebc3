"""What the service tells itself: the allowlist changed, the identity provider has answered."""

from contracts.failures import Code
from contracts.partner_events import PartnerContactDeactivated
from contracts.partners import RecordDeactivation, RecordRootAdmins
from services.chassis import Call, Outcome, Refusal, Reply
from services.chassis.commands import Handler
from services.partners.book import Book
from services.partners.records import DONE


def record_root_admins(command: RecordRootAdmins, _: Call, book: Book) -> Outcome:
    facts = book.allowlist.become(command.subjects)
    book.changed_allowlist |= bool(facts)
    return Reply(200, facts=facts)


def record_deactivation(command: RecordDeactivation, call: Call, book: Book) -> Outcome:
    """A fact also where the person came back meanwhile: the provider has done it, and somebody has to know."""
    partner = book.partners.get(command.partner_id)
    row = book.deactivations.get((command.partner_id, command.issuer, command.subject, command.removed_at))
    if partner is None or row is None:
        return Refusal(Code.NOT_FOUND)
    if row.status == DONE:
        return Reply(200)
    at = partner.moved(call)
    if row.is_pending:
        book.settle(row, DONE, at)
    deactivated = PartnerContactDeactivated(
        issuer=row.issuer,
        subject=row.subject,
        role=partner.role_of(row.person),
        removed_at=row.removed_at,
        known=command.known,
    )
    book.change(partner)
    return Reply(200, facts=[partner.record(deactivated)])


HANDLERS: dict[type, Handler] = {
    RecordRootAdmins: record_root_admins,
    RecordDeactivation: record_deactivation,
}
