"""The staffing service's composition root."""

from contracts.credentials import IdentityActivationRequested, IdentityNoticeRequested
from contracts.personal import UnsealStaff
from contracts.staffing import COMMANDS, CREDENTIALS, QUERIES
from services.chassis import Service, load, run
from services.people.unsealing import unsealing
from services.staffing.access_queries import AccessQuestions
from services.staffing.attempts import Gatherer
from services.staffing.caps import OtpLimits
from services.staffing.credential_desk import credential_desk
from services.staffing.desk import staffing_desk
from services.staffing.otp import Otp
from services.staffing.passwords import Passwords
from services.staffing.plan_query import PlanQuestions
from services.staffing.queries import Questions
from services.staffing.session import Tokens
from services.staffing.settings import StaffingSettings
from services.staffing.sms import SmsSender
from services.staffing.sweep import Sweep
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
        service.commands(COMMANDS, staffing_desk(root_admins, settings.staff_issuer, otp, limits, service.master_key))
        service.commands(CREDENTIALS, credential_desk(gather, sealer, otp, tokens, limits))
        asked |= PlanQuestions(root_admins, settings.staff_issuer, otp, limits, service.master_key).handlers()
        asked[UnsealStaff] = unsealing(service.master_key, root_admins)
        service.queries(QUERIES, asked)
        service.events("sms", [IdentityActivationRequested.type, IdentityNoticeRequested.type], sender.on_events)
        service.background += [sender.run, Sweep(service.engine).run]

    run(settings, build)
