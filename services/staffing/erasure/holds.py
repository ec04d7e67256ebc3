"""Legal holds on a person or a tenant: placed and released by allowlisted root admins, nobody else."""

from typing import TypeVar

from contracts.failures import Code
from contracts.legal_holds import HoldAccount, HoldTenant, HoldView, ReleaseAccount, ReleaseTenant
from contracts.message import Actor, Command, Target
from services.chassis import Call, Fact, Outcome, Refusal, Reply
from services.chassis.commands import Handler
from services.staffing.access.admission import is_root_admin
from services.staffing.account import Account
from services.staffing.book import Book
from services.staffing.tenant import Tenant

Held = TypeVar("Held", Account, Tenant)


def hold_account(command: HoldAccount, call: Call, book: Book) -> Outcome:
    account = _for_root_admin(book.person(command.account_id), call.actor, book)
    return account if isinstance(account, Refusal) else _answer(account, account.hold(command.reason, call))


def release_account(command: ReleaseAccount, call: Call, book: Book) -> Outcome:
    account = _for_root_admin(book.person(command.account_id), call.actor, book)
    return account if isinstance(account, Refusal) else _answer(account, account.release(command.reason, call))


def hold_tenant(command: HoldTenant, call: Call, book: Book) -> Outcome:
    tenant = _for_root_admin(book.tenants.get(command.tenant_id), call.actor, book)
    return tenant if isinstance(tenant, Refusal) else _answer(tenant, tenant.hold(command.reason, call))


def release_tenant(command: ReleaseTenant, call: Call, book: Book) -> Outcome:
    tenant = _for_root_admin(book.tenants.get(command.tenant_id), call.actor, book)
    return tenant if isinstance(tenant, Refusal) else _answer(tenant, tenant.release(command.reason, call))


def _for_root_admin(subject: Held | None, actor: Actor, book: Book) -> Held | Refusal:
    if not is_root_admin(book, actor):
        return Refusal(Code.ROOT_ADMIN_REQUIRED)
    return subject or Refusal(Code.NOT_FOUND)


def _answer(subject: Account | Tenant, facts: list[Fact]) -> Reply:
    target = Target(type=subject.kind, id=str(subject.id))
    view = HoldView(subject=target, held=subject.held_at is not None, version=subject.version)
    return Reply(200, view, facts, subject.etag)


HANDLERS: dict[type[Command], Handler] = {
    HoldAccount: hold_account,
    ReleaseAccount: release_account,
    HoldTenant: hold_tenant,
    ReleaseTenant: release_tenant,
}
