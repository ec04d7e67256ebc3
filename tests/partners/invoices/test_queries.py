"""Who sees which invoices: own ones, or all for a reader role; a stranger's is not there."""

from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.invoices import READERS, ApproveInvoice, GetInvoice, InvoicePage, InvoiceState, ListInvoices
from contracts.message import Actor, Context, Query
from contracts.partners import ReplaceContacts
from contracts.roles import Role
from services.chassis import Call, Outcome, Read, Reply
from services.partners.invoices.invoice import Invoice
from services.partners.invoices.ledger import InvoiceRules
from services.partners.invoices.queries import QUERIES
from tests.partners.desk import NOON, code, contact, person
from tests.partners.invoices.bureau import Bureau
from tests.partners.invoices.till import CARL, NOTES, UNLIMITED, Till, seen

pytestmark = pytest.mark.asyncio
AUDITOR = person("auditor", Role.AUDITOR)


class Desk:
    """One partner's till that is stored, with three invoices: two of Acme, one of somebody else."""

    def __init__(self, bureau: Bureau, till: Till) -> None:
        self.bureau, self.till = bureau, till
        self.first, self.second = till.created(), till.paid()
        self.theirs = till.created(till.eve)

    async def ask(self, query: Query, actor: Actor) -> Outcome:
        call = Call(actor, Context(request_id="r", command_id=uuid4()), uuid4(), NOON)
        async with self.bureau.engine.connect() as connection:
            return await QUERIES[type(query)](query, call, Read(connection))

    async def listed(self, actor: Actor, **changes: object) -> list[UUID]:
        return [view.id for view in (await self.page(actor, **changes)).data]

    async def page(self, actor: Actor, **changes: object) -> InvoicePage:
        reply = await self.ask(ListInvoices.model_validate({"limit": 100, **changes}), actor)
        assert isinstance(reply, Reply), reply
        assert isinstance(reply.body, InvoicePage)
        return reply.body


@pytest_asyncio.fixture
async def desk(engine: AsyncEngine) -> Desk:
    till = Till(fresh=True)
    desk = Desk(Bureau(engine, InvoiceRules(UNLIMITED), till.stored), till)
    await desk.bureau.keep(till.book)
    return desk


def ids(*invoices: Invoice) -> list[UUID]:
    return [invoice.id for invoice in invoices]


async def test_an_invoice_is_shown_with_its_etag_as_the_command_answered_it(desk: Desk) -> None:
    command = ApproveInvoice(invoice_id=desk.second.id, expected_version=2, notes=NOTES)
    answered = seen(await desk.bureau.one(command, CARL))

    reply = await desk.ask(GetInvoice(invoice_id=desk.second.id), desk.till.ben)

    assert isinstance(reply, Reply)
    assert (seen(reply), reply.etag) == (answered, '"3"')
    assert seen(reply).voucher is None


async def test_contacts_see_their_own_partners_invoices_and_no_others(desk: Desk) -> None:
    till = desk.till

    assert await desk.listed(till.ben) == ids(desk.first, desk.second)
    assert await desk.listed(till.eve) == ids(desk.theirs)
    assert code(await desk.ask(GetInvoice(invoice_id=desk.theirs.id), till.ada)) == "NOT_FOUND"
    assert code(await desk.ask(GetInvoice(invoice_id=uuid4()), till.ada)) == "NOT_FOUND"


async def test_a_stranger_sees_nothing(desk: Desk) -> None:
    stranger = person("stranger", Role.PARTNER_ADMIN)
    imposter = desk.till.ada.model_copy(update={"issuer": "https://evil.example"})

    for nobody in (stranger, imposter):
        assert await desk.listed(nobody) == []
        assert code(await desk.ask(GetInvoice(invoice_id=desk.first.id), nobody)) == "NOT_FOUND"


@pytest.mark.parametrize("role", Role)
async def test_reader_roles_see_every_partners_invoices(desk: Desk, role: Role) -> None:
    reader = person("reader", role)

    ours = ids(desk.first, desk.second, desk.theirs)

    listed = await desk.listed(reader, starting_after=UUID(int=desk.first.id.int - 1))
    reply = await desk.ask(GetInvoice(invoice_id=desk.theirs.id), reader)

    assert [each for each in listed if each in ours] == (ours if role in READERS else [])
    assert isinstance(reply, Reply) is (role in READERS)


async def test_a_removed_contact_sees_nothing_any_more(desk: Desk) -> None:  # S1.42
    till = desk.till
    roster = (contact(till.ada.subject),)
    version = till.book.partners[till.acme].version
    await desk.bureau.one(ReplaceContacts(partner_id=till.acme, expected_version=version, contacts=roster), till.ada)

    assert await desk.listed(till.ben) == []
    assert await desk.listed(till.ada) == ids(desk.first, desk.second)


async def test_a_list_is_cut_into_pages_that_do_not_overlap(desk: Desk) -> None:
    first = await desk.page(desk.till.ada, limit=1)
    rest = await desk.page(desk.till.ada, limit=1, starting_after=first.data[-1].id)

    assert (first.has_more, rest.has_more) == (True, False)
    assert [view.id for view in (*first.data, *rest.data)] == ids(desk.first, desk.second)


async def test_a_list_can_be_cut_down_by_state_and_partner(desk: Desk) -> None:
    since = {"starting_after": UUID(int=desk.first.id.int - 1)}
    paid = await desk.listed(AUDITOR, state=InvoiceState.RECEIPT_UPLOADED, **since)
    theirs = await desk.listed(AUDITOR, partner_id=desk.till.other, **since)

    assert desk.second.id in paid
    assert desk.first.id not in paid
    assert theirs == ids(desk.theirs)
    assert await desk.listed(desk.till.ada, partner_id=desk.till.other) == []


async def test_a_page_of_any_size_costs_the_same_number_of_statements(desk: Desk) -> None:
    with desk.bureau.statements() as few:
        await desk.page(AUDITOR, limit=1)
    with desk.bureau.statements() as many:
        await desk.page(AUDITOR, limit=100)

    assert few == many
