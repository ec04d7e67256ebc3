"""How each command of the partners service is prepared and its effect counted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from contracts.decisions import ApprovePartner, Decide, ReinstatePartner, RejectPartner, RequestInfo
from contracts.message import Actor
from contracts.partners import (
    Contact,
    FileDossier,
    RecordDeactivation,
    RecordRootAdmins,
    ReplaceContacts,
    ReserveUpload,
    SubmitPartner,
)
from tests.support.applicants import Applicant, Application, reservation
from tests.support.bus import Bus
from tests.support.cases import Prepared, case
from tests.support.people import root_admin, system
from tests.support.tables import Tables

SUBMITTED = ("partner.submitted", "page.raised")
ELSEWHERE = "https://elsewhere.example"
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
    return Prepared(application.command, application.actor, lambda tables: tables.value(counted, subject), SUBMITTED)


@case(FileDossier)
async def file_dossier(bus: Bus) -> Prepared:
    applicant = Applicant(bus.stack)
    application = await submitted(bus, applicant)
    answer = await bus.ask(reservation("kyb", applicant.actor.subject, application.partner_id), applicant.actor)
    key = await applicant.put("kyb", answer.json)
    command = FileDossier(partner_id=application.partner_id, kyb_object_key=key)

    def filed(tables: Tables) -> int:
        counted = "SELECT count(*) FROM dossiers WHERE partner_id = %s AND version > 1"
        return int(tables.value(counted, application.partner_id))

    return Prepared(command, applicant.actor, filed, ("partner.dossier_filed", "page.raised"))


@case(ReplaceContacts)
async def replace_contacts(bus: Bus) -> Prepared:
    """One joins, so that it is also a dossier version."""
    application = await submitted(bus)
    guest = f"guest-{uuid4().hex[:12]}"
    command = roster_of(application, version=1, subjects=(application.actor.subject, guest))

    def joined(tables: Tables) -> int:
        return int(tables.value("SELECT count(*) FROM partner_contacts WHERE subject = %s", guest))

    return Prepared(
        command, application.actor, joined, ("partner.contact.added", "partner.dossier_filed", "page.raised")
    )


@case(ApprovePartner)
async def approve_partner(bus: Bus) -> Prepared:
    application = await submitted(bus)
    return _decision(bus, decision(application, ApprovePartner, 1), "partner.approved", "page.resolved")


@case(RejectPartner)
async def reject_partner(bus: Bus) -> Prepared:
    application = await submitted(bus)
    return _decision(bus, decision(application, RejectPartner, 1), "partner.rejected", "page.resolved")


@case(RequestInfo)
async def request_info(bus: Bus) -> Prepared:
    application = await submitted(bus)
    command = decision(application, RequestInfo, 1, fields=("/licensing_object_key",))
    return _decision(bus, command, "partner.info_requested", "page.resolved")


@case(ReinstatePartner)
async def reinstate_partner(bus: Bus) -> Prepared:
    application = await submitted(bus)
    for command in (decision(application, ApprovePartner, 1), decision(application, RejectPartner, 2)):
        answer = await bus.ask(command, root_admin(bus.stack))
        assert answer.status == 200, answer
    return _decision(bus, decision(application, ReinstatePartner, 4), "partner.reinstated")


@case(RecordDeactivation)
async def record_deactivation(bus: Bus) -> Prepared:
    """Somebody of another provider joined and left, so that the worker of the service can't be quicker."""
    application = await submitted(bus)
    guest, staying = f"guest-{uuid4().hex[:12]}", application.actor.subject
    for version, subjects in ((1, (staying, guest)), (3, (staying,))):
        command = roster_of(application, version, subjects, issuers={guest: ELSEWHERE})
        answer = await bus.ask(command, application.actor)
        assert answer.status == 200, answer
    waiting = "SELECT issuer, removed_at FROM deactivations WHERE subject = %s"
    row = Tables(bus.stack, "partners").rows(waiting, guest)[0]
    removed_at: datetime = row["removed_at"]
    report = RecordDeactivation(
        partner_id=application.partner_id, issuer=row["issuer"], subject=guest, removed_at=removed_at, known=True
    )

    def settled(tables: Tables) -> int:
        done = "SELECT count(*) FROM deactivations WHERE subject = %s AND status = 'done'"
        return int(tables.value(done, guest))

    return Prepared(report, system("partners"), settled, ("partner.contact.deactivated",))


@case(RecordRootAdmins)
async def record_root_admins(bus: Bus) -> Prepared:
    """A list that nobody has: the service finds its own in force again soon after."""
    subject = f"root-{uuid4().hex[:12]}"
    recorded = "SELECT count(*) FROM outbox WHERE topic = 'root_admins.changed' AND position(%s::bytea IN value) > 0"

    def told(tables: Tables) -> int:
        return int(tables.value(recorded, f'"added":["{subject}"]'.encode()))

    return Prepared(RecordRootAdmins(subjects=(subject,)), system("partners"), told, ("root_admins.changed",))


async def submitted(bus: Bus, applicant: Applicant | None = None) -> Application:
    """An application that the service has taken in, at version 1."""
    application = await (applicant or Applicant(bus.stack)).prepare(bus)
    answer = await bus.ask(application.command, application.actor)
    assert answer.status == 201, answer
    return application


def decision(application: Application, kind: type[Decide], version: int, **more: Any) -> Decide:
    """On the first dossier of what was submitted."""
    fields = {"partner_id": application.partner_id, "expected_version": version, "dossier_version": 1, "notes": NOTES}
    return kind.model_validate(fields | more)


def roster_of(
    application: Application, version: int, subjects: tuple[str, ...], issuers: Mapping[str, str] | None = None
) -> ReplaceContacts:
    """These subjects, each as the applicant's contact says it, of their issuer or the applicant's."""
    known: Contact = application.command.contacts[0]
    of = issuers or {}
    people = tuple(known.model_copy(update={"subject": each, "issuer": of.get(each)}) for each in subjects)
    return ReplaceContacts(partner_id=application.partner_id, expected_version=version, contacts=people)


def _decision(bus: Bus, command: Decide, event: str, *more: str) -> Prepared:
    counted = "SELECT count(*) FROM partner_approvals WHERE partner_id = %s AND decision = %s"
    verdict = event.partition(".")[2].upper()
    actor: Actor = root_admin(bus.stack)
    return Prepared(command, actor, lambda tables: tables.value(counted, command.partner_id, verdict), (event, *more))
