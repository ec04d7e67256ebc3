"""How each command of the partners service is prepared and its effect counted."""

from contracts.decisions import ApprovePartner, RejectPartner
from contracts.partners import ReserveUpload, SubmitPartner
from tests.support.applicants import Applicant, Application, reservation
from tests.support.bus import Bus
from tests.support.cases import Prepared, case
from tests.support.people import root_admin

NOTES = "Documents checked against the commercial register."


@case(ReserveUpload)
async def reserve_upload(bus: Bus) -> Prepared:
    actor = Applicant(bus.stack).actor
    command = reservation("kyb", actor.subject)
    counted = "SELECT count(*) FROM uploads WHERE sha256 = %s"
    return Prepared(command, actor, lambda tables: tables.value(counted, command.sha256), ("upload.reserved",))


@case(SubmitPartner)
async def submit_partner(bus: Bus) -> Prepared:
    application = await Applicant(bus.stack).prepare(bus)
    counted = "SELECT count(*) FROM partner_contacts WHERE subject = %s"
    subject = application.actor.subject
    return Prepared(
        application.command, application.actor, lambda tables: tables.value(counted, subject), ("partner.submitted",)
    )


@case(ApprovePartner)
async def approve_partner(bus: Bus) -> Prepared:
    application = await submitted(bus)
    command = ApprovePartner(partner_id=application.partner_id, expected_version=1, dossier_version=1, notes=NOTES)
    return _decision(bus, application, command, "partner.approved")


@case(RejectPartner)
async def reject_partner(bus: Bus) -> Prepared:
    application = await submitted(bus)
    command = RejectPartner(partner_id=application.partner_id, expected_version=1, dossier_version=1, notes=NOTES)
    return _decision(bus, application, command, "partner.rejected")


async def submitted(bus: Bus) -> Application:
    """An application that the service has taken in, at version 1."""
    application = await Applicant(bus.stack).prepare(bus)
    answer = await bus.ask(application.command, application.actor)
    assert answer.status == 201, answer
    return application


def _decision(bus: Bus, application: Application, command: ApprovePartner | RejectPartner, event: str) -> Prepared:
    counted = "SELECT count(*) FROM partner_approvals WHERE partner_id = %s"
    partner_id = application.partner_id
    return Prepared(command, root_admin(bus.stack), lambda tables: tables.value(counted, partner_id), (event,))
