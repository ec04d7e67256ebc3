"""The staffing service's composition root."""

from contracts.credentials import IdentityActivationRequested, IdentityNoticeRequested
from contracts.export_messages import STAFFING
from contracts.personal import UnsealStaff
from contracts.staff_events import StaffCommandRefused
from contracts.staffing import COMMANDS, CREDENTIALS, QUERIES
from services.chassis import Service, load, run
from services.chassis.refused_queries import refused_as
from services.exports.desk import ExportDesk
from services.exports.wiring import export_questions, rules_of, run_exports
from services.people.unsealing import unsealing
from services.staffing.access.queries import AccessQuestions
from services.staffing.credentials.attempts import Gatherer
from services.staffing.credentials.caps import OtpLimits
from services.staffing.credentials.desk import credential_desk
from services.staffing.credentials.otp import Otp
from services.staffing.credentials.passwords import Passwords
from services.staffing.credentials.session import Tokens
from services.staffing.credentials.sms import SmsSender
from services.staffing.credentials.sweep import Sweep
from services.staffing.datasets import DATASETS
from services.staffing.desk import staffing_desk
from services.staffing.old_records import OldRecords
from services.staffing.provisioning.plan_query import PlanQuestions
from services.staffing.queries import Questions
from services.staffing.settings import StaffingSettings
from services.upkeep import Pruning
from services.wire.allowlist import Allowlist
from services.wire.sealing import Sealer


def main() -> None:
    settings = load(StaffingSettings)

    def build(service: Service) -> None:
        otp = Otp(settings.otp_pepper.get_secret_value())
        sealer = Sealer(settings.credential_key.get_secret_value())
        tokens = Tokens(settings.staff_issuer, settings.staff_audience, settings.staff_signing_key.get_secret_value())
        root_admins = Allowlist(settings.oidc_issuer, settings.root_admin_subjects, settings.root_admin_subjects_file)
        passwords = Passwords()
        service.resources.callback(passwords.close)
        gather = Gatherer(service.engine, sealer, otp, passwords)
        sender = SmsSender(service.engine, otp, settings)
        limits = OtpLimits.of(settings)
        asked = Questions(settings.staff_issuer).handlers()
        asked |= AccessQuestions(settings.staff_issuer, tokens, sealer).handlers()
        exports = ExportDesk(service.engine, rules_of(DATASETS, settings))
        desk = staffing_desk(root_admins, settings.staff_issuer, otp, limits, settings.master_key, exports)
        service.commands(COMMANDS, desk)
        service.commands(CREDENTIALS, credential_desk(gather, sealer, otp, tokens, limits))
        asked |= PlanQuestions(root_admins, settings.staff_issuer, otp, limits, settings.master_key).handlers()
        asked[UnsealStaff] = unsealing(settings.master_key, root_admins)
        asked |= export_questions(service, settings, STAFFING)
        service.queries(QUERIES, asked, refused_as(StaffCommandRefused))
        service.events("sms", [IdentityActivationRequested.type, IdentityNoticeRequested.type], sender.on_events)
        service.background += [sender.run, Sweep(service.engine).run]
        old = OldRecords(service.engine, settings.sms_kept_days, settings.bulk_keys_kept_days)
        service.background += [old.run, Pruning(service.engine, settings).run]
        run_exports(service, settings, STAFFING)

    run(settings, build)
