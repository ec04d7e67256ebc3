"""Erase a person: only for allowlisted root admins, only who is on no staff any more, and nobody whom a hold covers."""

from contracts.erasure import ERASED, EraseAccount, ErasedAccountView
from contracts.failures import Code
from contracts.message import Command
from contracts.staffing import Standing
from services.chassis import Call, Fact, Outcome, Refusal, Reply
from services.chassis.commands import Handler
from services.staffing.access.admission import is_root_admin
from services.staffing.account import Account
from services.staffing.book import Book
from services.staffing.erasure.erased import Erasure


def erase_account(command: EraseAccount, call: Call, book: Book) -> Outcome:
    if not is_root_admin(book, call.actor):
        return Refusal(Code.ROOT_ADMIN_REQUIRED)
    account = book.person(command.account_id)
    if account is None:
        gone = book.erased.get(command.account_id)
        return _answer(gone, []) if gone else Refusal(Code.NOT_FOUND)
    return _refused(account, book) or _answer(account, _erase(account, command.reason, call, book))


def _refused(account: Account, book: Book) -> Refusal | None:
    """A membership in a tenant that is not in the book began while this batch was loaded."""
    tenants = book.ties.get(account.id, set())
    if account.held_at or any(t in book.tenants and book.tenants[t].held_at for t in tenants):
        return Refusal(Code.LEGAL_HOLD)
    if tenants - book.tenants.keys() or any(member.status is Standing.ACTIVE for member in book.stays(account.id)):
        return Refusal(Code.PERSON_STILL_ACTIVE, "end their memberships first")
    return None


def _erase(account: Account, reason: str, call: Call, book: Book) -> list[Fact]:
    erasure = Erasure(account, account.phone, frozenset(member.display_name for member in book.stays(account.id)))
    fact = account.erase(reason, call)
    for member in book.stays(account.id):
        member.display_name = ERASED
    del book.accounts[erasure.phone]
    book.erased[account.id] = account
    book.erasures.append(erasure)
    return [fact]


def _answer(account: Account, facts: list[Fact]) -> Reply:
    if account.erased_at is None:
        raise ValueError("who is not erased has no answer of this kind")
    view = ErasedAccountView(account_id=account.id, erased_at=account.erased_at, version=account.version)
    return Reply(200, view, facts, account.etag)


HANDLERS: dict[type[Command], Handler] = {EraseAccount: erase_account}
