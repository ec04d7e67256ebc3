"""One batch of commands about tenants: what is read, and in which order, before the handlers decide.

First the tenants and who acts in them; only for those who may provision are phones and branches looked up (S2.21).
"""

from collections.abc import Iterator, Sequence

from contracts.staffing import BranchCommand, CreateTenant, ProvisionStaff, StaffCommandRefused, TenantCommand
from services.chassis import Desk, Inbound, Refusal, Write
from services.staffing.access import account_of, administrator, is_root_admin
from services.staffing.book import Book
from services.staffing.handlers import HANDLERS
from services.staffing.notification import Prompts
from services.staffing.otp import Otp
from services.staffing.phone import PhoneFault, known_region
from services.staffing.save import save
from services.staffing.store import load_accounts, load_branches, load_staff, load_tenants
from services.wire.allowlist import Allowlist


def staffing_desk(root_admins: Allowlist, staff_issuer: str, otp: Otp) -> Desk:
    async def gather(_: Sequence[Inbound]) -> None:
        root_admins.refresh()

    async def load(tx: Write, fresh: Sequence[Inbound], _: None) -> Book:
        book = Book(root_admins, staff_issuer, Prompts(otp))
        await _load_actors(tx, fresh, book)
        admitted = list(_admitted(fresh, book))
        await _load_people(tx, _phones(fresh, admitted, book), admitted, book)
        await _load_branches(tx, [i.request for i in fresh if isinstance(i.request, BranchCommand)], admitted, book)
        return book

    return Desk(HANDLERS, load, save, StaffCommandRefused, gather)


async def _load_actors(tx: Write, fresh: Sequence[Inbound], book: Book) -> None:
    seats = set()
    for inbound in fresh:
        if isinstance(inbound.request, TenantCommand):
            seats.add((inbound.request.tenant_id, account_of(inbound.actor, book.staff_issuer)))
    book.tenants = await load_tenants(tx, sorted({tenant_id for tenant_id, _ in seats}), lock=True)
    book.know(book.tenants.values())
    book.actors = await load_staff(tx, [(tenant, account) for tenant, account in seats if account])
    book.know_staff(book.actors)


def _admitted(fresh: Sequence[Inbound], book: Book) -> Iterator[ProvisionStaff]:
    for inbound in fresh:
        command = inbound.request
        if not isinstance(command, ProvisionStaff):
            continue
        if not isinstance(administrator(book, command.tenant_id, inbound.actor), Refusal):
            yield command


def _phones(fresh: Sequence[Inbound], admitted: Sequence[ProvisionStaff], book: Book) -> set[str]:
    numbers = {book.phone(command.phone, book.tenants[command.tenant_id].region) for command in admitted}
    for inbound in fresh:
        request = inbound.request
        if isinstance(request, CreateTenant) and is_root_admin(book, inbound.actor) and known_region(request.region):
            numbers.add(book.phone(request.owner.phone, request.region))
    return {number for number in numbers if not isinstance(number, PhoneFault)}


async def _load_people(tx: Write, phones: set[str], admitted: Sequence[ProvisionStaff], book: Book) -> None:
    book.accounts = await load_accounts(tx, sorted(phones))
    book.know(book.accounts.values())
    seats = set()
    for command in admitted:
        account = book.accounts.get(book.phone(command.phone, book.tenants[command.tenant_id].region))
        if account:
            seats.add((command.tenant_id, account.id))
    book.know_staff(await load_staff(tx, seats - book.actors.keys()))


async def _load_branches(
    tx: Write, turned: Sequence[BranchCommand], admitted: Sequence[ProvisionStaff], book: Book
) -> None:
    ids = {command.branch_id for command in turned}
    ids |= {branch_id for command in admitted for branch_id in command.branch_ids}
    book.branches = await load_branches(tx, list(book.tenants), ids)
    book.know(book.branches.values())
