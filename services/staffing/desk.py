"""One batch of commands about tenants: what is read, and in which order, before the handlers decide.

First the tenants and who acts in them; only for those who may provision are phones and branches looked up (S2.21).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from contracts.access import RemoveRole
from contracts.erasure import EraseAccount
from contracts.message import Actor, Command, Request
from contracts.provisioning import BulkProvision, Notify, ProvisionStaff
from contracts.staff_changes import (
    AccountCommand,
    AddBranches,
    ChangeKind,
    LeaveTenant,
    MemberCommand,
    RemoveBranch,
    ReplaceBranches,
    RevokeStaff,
)
from contracts.staff_events import StaffCommandRefused
from contracts.staffing import BranchCommand, CreateTenant, SetQuotas, StaffingCommand, TenantCommand
from services.chassis import Call, Decision, Desk, Inbound, Read, Refusal, Reply, Write
from services.chassis.commands import Handler
from services.exports.desk import ExportDesk
from services.staffing.access.admission import account_of, is_root_admin, permitted
from services.staffing.book import Book
from services.staffing.credentials.caps import OtpLimits, begin, lock_counters
from services.staffing.credentials.notification import Prompts
from services.staffing.credentials.otp import Otp
from services.staffing.erasure.store import load_ties
from services.staffing.handlers import HANDLERS
from services.staffing.phone import PhoneFault, known_region
from services.staffing.provisioning.bulk_rows import RowKey, load_rows
from services.staffing.provisioning.usage import load_counts
from services.staffing.save import erase, save
from services.staffing.scope import declare_tenants
from services.staffing.store import (
    live_sessions,
    load_accounts,
    load_branches,
    load_owners,
    load_staff,
    load_tenants,
    roles_in_use,
)
from services.wire.allowlist import Allowlist
from services.wire.personal import Keyring, MasterKey


def staffing_desk(  # noqa: PLR0913, PLR0917, the parts it is put together from
    root_admins: Allowlist, staff_issuer: str, otp: Otp, limits: OtpLimits, master: MasterKey, exports: ExportDesk
) -> Desk:
    async def gather(batch: Sequence[Inbound]) -> Mapping[UUID, int]:
        root_admins.refresh()
        return await exports.sizes(batch)

    async def load(tx: Write, fresh: Sequence[Inbound], sizes: Mapping[UUID, int]) -> Book:
        book = Book(root_admins, staff_issuer, Prompts(otp, limits), Keyring(master), exports=exports.book(sizes))
        ties = book.ties = await load_ties(tx, _erased(fresh, book))
        await load_book(tx, fresh, book, lock=True)
        await book.exports.load(tx, fresh)
        book.owners = await load_owners(tx, _losing_owners(fresh))
        book.ties = await load_ties(tx, ties)  # once more, now that nobody else can add to them
        return book

    handlers = {
        command: handler if command is BulkProvision else _counted(handler) for command, handler in HANDLERS.items()
    }
    return Desk(handlers, load, save, StaffCommandRefused, gather, erase)


def _counted(handler: Handler) -> Handler:
    """Count what a handler did; a bulk counts for itself, row by row."""

    def handle(command: Command, call: Call, book: Book) -> Decision:
        decision = handler(command, call, book)
        if isinstance(decision, Reply):
            book.count(decision.facts)
        return decision

    return handle


class Asked(NamedTuple):
    """All that is looked at in a call to find what it needs."""

    request: Request
    actor: Actor


async def load_book(connection: Read | Write, fresh: Sequence[Inbound | Asked], book: Book, *, lock: bool) -> None:
    """Without locks it is only good for a look at what a call would do."""
    await _load_actors(connection, fresh, book, lock=lock)
    admitted = [command for inbound in fresh if (command := _admitted(inbound, book))]
    await _load_people(connection, admitted, book, lock=lock)
    await _load_branches(connection, admitted, book)
    book.roles_in_use = await roles_in_use(connection, _removed_roles(admitted))
    await _load_counters(connection, admitted, book, lock=lock)
    book.done_rows = await load_rows(connection, {place for command in admitted for place in _places(command)})


async def _load_actors(tx: Read | Write, fresh: Sequence[Inbound | Asked], book: Book, *, lock: bool) -> None:
    seats = set()
    for inbound in fresh:
        if isinstance(inbound.request, TenantCommand):
            seats.add((inbound.request.tenant_id, account_of(inbound.actor, book.staff_issuer)))
    tenants = sorted({tenant_id for tenant_id, _ in seats}.union(*book.ties.values()))
    await declare_tenants(tx, tenants)
    book.tenants = await load_tenants(tx, tenants, lock=lock)
    book.know(book.tenants.values())
    book.stored_roles = {(t.id, key): role for t in book.tenants.values() for key, role in t.roles.items()}
    book.sessions = await live_sessions(tx, {i.actor.session_id for i in fresh if i.actor.session_id})
    book.actors = await load_staff(tx, [(tenant, account) for tenant, account in seats if account])
    book.know_staff(book.actors)
    book.counts = await load_counts(tx, _looked_into(fresh, book))


def _looked_into(fresh: Sequence[Inbound | Asked], book: Book) -> set[UUID]:
    """Tenants in which somebody of this batch may do something; a stranger's call reads nothing of them (S2.21)."""
    set_by_root = {
        inbound.request.tenant_id
        for inbound in fresh
        if isinstance(inbound.request, SetQuotas) and is_root_admin(book, inbound.actor)
    }
    return {tenant_id for tenant_id, _ in book.actors} | set_by_root


def _admitted(inbound: Inbound | Asked, book: Book) -> StaffingCommand | None:
    """The command, when it is one whose people and branches its actor may hear of."""
    command, actor = inbound.request, inbound.actor
    if isinstance(command, CreateTenant):
        return command if is_root_admin(book, actor) and known_region(command.region) else None
    if isinstance(command, AccountCommand):
        return command if is_root_admin(book, actor) else None
    if not isinstance(command, TenantCommand):
        return None
    return None if isinstance(permitted(command, actor, book), Refusal) else command


async def _load_people(tx: Read | Write, admitted: Sequence[StaffingCommand], book: Book, *, lock: bool) -> None:
    numbers = {number for command in admitted for _, number, _ in _phones(command, book)}
    named = {command.account_id for command in admitted if isinstance(command, AccountCommand)}
    found = await load_accounts(tx, book.keys, sorted(numbers), named, lock=lock)
    book.know(found)
    book.accounts = {account.phone: account for account in found if not account.erased_at}
    book.erased = {account.id: account for account in found if account.erased_at}
    seats = {(command.tenant_id, command.account_id) for command in admitted if isinstance(command, MemberCommand)}
    seats |= {(tenant_id, account_id) for account_id, tenants in book.ties.items() for tenant_id in tenants}
    for command in admitted:
        for tenant_id, number, _ in _phones(command, book):
            if tenant_id and number in book.accounts:
                seats.add((tenant_id, book.accounts[number].id))
    book.know_staff(await load_staff(tx, seats - book.actors.keys()))


def _phones(command: StaffingCommand, book: Book) -> Iterator[tuple[UUID | None, str, Notify]]:
    """Each number that the command names, with the tenant it is about and whether it is to be told."""
    raw: list[tuple[str, Notify]] = []
    tenant_id, region = None, ""
    if isinstance(command, CreateTenant):
        raw, region = [(command.owner.phone, Notify.NONE)], command.region
    elif isinstance(command, ProvisionStaff | BulkProvision):
        tenant_id, region = command.tenant_id, book.tenants[command.tenant_id].region
        people = command.rows if isinstance(command, BulkProvision) else [command]
        raw = [(person.phone, person.notify) for person in people]
    for phone, notify in raw:
        number = book.phone(phone, region)
        if not isinstance(number, PhoneFault):
            yield tenant_id, number, notify


async def _load_counters(tx: Read | Write, admitted: Sequence[StaffingCommand], book: Book, *, lock: bool) -> None:
    """After the accounts: the counters of every message that these commands may make due."""
    caps = book.prompts.caps
    keys: set[bytes] = set()
    for command in admitted:
        for tenant_id, number, notify in _phones(command, book):
            if tenant_id and notify is Notify.SMS:
                keys.update(caps.of_tenant(number, tenant_id).values())
    if lock:
        await lock_counters(Write(tx), caps, keys)
    else:
        begin(caps, keys)


async def _load_branches(tx: Read | Write, admitted: Sequence[StaffingCommand], book: Book) -> None:
    ids = {branch_id for command in admitted for branch_id in _branch_ids(command)}
    book.branches = await load_branches(tx, list(book.tenants), ids)
    book.know(book.branches.values())


def _branch_ids(command: StaffingCommand) -> Iterable[UUID]:
    match command:
        case BranchCommand() | RemoveBranch():
            return [command.branch_id]
        case ProvisionStaff() | AddBranches() | ReplaceBranches():
            return command.branch_ids
        case BulkProvision():
            return [branch_id for row in command.rows for branch_id in row.branch_ids]
        case _:
            return []


def _erased(fresh: Sequence[Inbound], book: Book) -> set[UUID]:
    """Whom the batch may erase."""
    return {
        inbound.request.account_id
        for inbound in fresh
        if isinstance(inbound.request, EraseAccount) and is_root_admin(book, inbound.actor)
    }


def _places(command: StaffingCommand) -> Iterator[RowKey]:
    if isinstance(command, BulkProvision):
        yield from ((command.tenant_id, row.key) for row in command.rows)


def _losing_owners(fresh: Sequence[Inbound]) -> set[UUID]:
    """Tenants that may lose an owner; whoever leaves needs no permission."""
    losing = (ChangeKind, RevokeStaff, LeaveTenant)
    return {inbound.request.tenant_id for inbound in fresh if isinstance(inbound.request, losing)}


def _removed_roles(admitted: Sequence[StaffingCommand]) -> set[tuple[UUID, str]]:
    return {(command.tenant_id, command.role_key) for command in admitted if isinstance(command, RemoveRole)}
