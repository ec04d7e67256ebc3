"""How each command of invoices is prepared and its effect counted."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

from contracts.decisions import ApprovePartner
from contracts.invoices import ApproveInvoice, AttachReceipt, CreateInvoice, ExpireInvoice, RejectInvoice
from contracts.message import Actor
from contracts.roles import Role
from deploy.local.stack import Stack
from tests.support.applicants import Applicant, reservation
from tests.support.bus import Bus
from tests.support.cases import Prepared, case
from tests.support.people import person, root_admin, system
from tests.support.tables import Tables

RECIPIENT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
NOTES = "Payment seen on the receipt, recipient checked."


@dataclass(frozen=True, slots=True)
class Client:
    """A contact of an approved partner."""

    bus: Bus
    applicant: Applicant
    partner_id: UUID

    @property
    def actor(self) -> Actor:
        return self.applicant.actor

    async def invoice(self) -> UUID:
        answer = await self.bus.ask(creation(), self.actor)
        assert answer.status == 201, answer
        return UUID(answer.json["id"])

    async def receipt(self) -> str:
        """The key of a proof of payment that lies in the store."""
        answer = await self.bus.ask(reservation("receipt", self.actor.subject, self.partner_id), self.actor)
        assert answer.status == 201, answer
        return await self.applicant.put("receipt", answer.json)

    async def paid(self) -> UUID:
        """An invoice with its receipt, at version 2."""
        invoice_id = await self.invoice()
        command = AttachReceipt(invoice_id=invoice_id, object_key=await self.receipt())
        answer = await self.bus.ask(command, self.actor)
        assert answer.status == 200, answer
        return invoice_id


def creation(reference: str = "INV-1") -> CreateInvoice:
    return CreateInvoice(amount="12.50", currency="USD", recipient=RECIPIENT, reference=reference)


def compliance(stack: Stack) -> Actor:
    return person(stack, "compliance-1", Role.COMPLIANCE)


async def client(bus: Bus) -> Client:
    """Somebody who applied and was approved."""
    applicant = Applicant(bus.stack)
    application = await applicant.prepare(bus)
    partner_id = application.partner_id
    approval = ApprovePartner(partner_id=partner_id, expected_version=1, dossier_version=1, notes=NOTES)
    for command, actor in ((application.command, application.actor), (approval, root_admin(bus.stack))):
        answer = await bus.ask(command, actor)
        assert answer.status in (200, 201), answer
    return Client(bus, applicant, partner_id)


def told(kind: str, invoice_id: UUID) -> Callable[[Tables], int]:
    """How often the invoice was told to have moved so."""
    counted = "SELECT count(*) FROM outbox WHERE topic = %s AND aggregate_id = %s"
    return lambda tables: int(tables.value(counted, kind, invoice_id))


@case(CreateInvoice)
async def create_invoice(bus: Bus) -> Prepared:
    somebody, reference = await client(bus), f"INV-{uuid4()}"
    counted = "SELECT count(*) FROM invoices WHERE reference = %s"
    return Prepared(
        creation(reference), somebody.actor, lambda tables: tables.value(counted, reference), ("invoice.created",)
    )


@case(AttachReceipt)
async def attach_receipt(bus: Bus) -> Prepared:
    somebody = await client(bus)
    command = AttachReceipt(invoice_id=await somebody.invoice(), object_key=await somebody.receipt())
    kind = "invoice.receipt_uploaded"
    return Prepared(command, somebody.actor, told(kind, command.invoice_id), (kind,))


@case(ApproveInvoice)
async def approve_invoice(bus: Bus) -> Prepared:
    invoice_id = await (await client(bus)).paid()
    command = ApproveInvoice(invoice_id=invoice_id, expected_version=2, notes=NOTES)
    return Prepared(command, compliance(bus.stack), told("invoice.approved", invoice_id), ("invoice.approved",))


@case(RejectInvoice)
async def reject_invoice(bus: Bus) -> Prepared:
    invoice_id = await (await client(bus)).paid()
    command = RejectInvoice(invoice_id=invoice_id, expected_version=2, notes=NOTES)
    return Prepared(command, compliance(bus.stack), told("invoice.rejected", invoice_id), ("invoice.rejected",))


@case(ExpireInvoice)
async def expire_invoice(bus: Bus) -> Prepared:
    invoice_id = await (await client(bus)).invoice()
    age(Tables(bus.stack, "partners"), invoice_id, "1 second")
    command = ExpireInvoice(invoice_id=invoice_id)
    return Prepared(command, system("partners"), told("invoice.expired", invoice_id), ("invoice.expired",))


def age(tables: Tables, invoice_id: UUID, overdue: str) -> None:
    """As if it had been created so long ago that it is overdue by this much."""
    with tables.connection() as connection:
        connection.execute(
            "UPDATE invoices SET created_at = now() - interval '30 days', updated_at = now() - interval '30 days',"
            " expires_at = now() - %s::interval WHERE id = %s",
            (overdue, invoice_id),
        )
