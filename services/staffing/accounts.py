"""Shut a person out of every tenant, or let them in again: only for allowlisted root admins.

Nothing here touches a credential (S2.8): the person keeps their password, and their memberships stay.
"""

from contracts.failures import Code
from contracts.message import Command
from contracts.staff_changes import AccountCommand, DisableAccount, EnableAccount
from services.chassis import Call, Outcome, Refusal, Reply
from services.chassis.commands import Handler
from services.staffing.access.admission import is_root_admin
from services.staffing.account import Account
from services.staffing.book import Book


def disable_account(command: DisableAccount, call: Call, book: Book) -> Outcome:
    account = _named(command, call, book)
    if isinstance(account, Refusal):
        return account
    facts = account.disable(command.reason, call)
    book.shut_out.add(account.id)
    return Reply(200, account.view(), facts, account.etag)


def enable_account(command: EnableAccount, call: Call, book: Book) -> Outcome:
    account = _named(command, call, book)
    if isinstance(account, Refusal):
        return account
    facts = account.enable()
    return Reply(200, account.view(), facts, account.etag)


def _named(command: AccountCommand, call: Call, book: Book) -> Account | Refusal:
    if not is_root_admin(book, call.actor):
        return Refusal(Code.ROOT_ADMIN_REQUIRED)
    return book.person(command.account_id) or Refusal(Code.NOT_FOUND)


HANDLERS: dict[type[Command], Handler] = {DisableAccount: disable_account, EnableAccount: enable_account}
