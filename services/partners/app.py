"""The partners service's composition root."""

from contracts.export_messages import PARTNERS
from contracts.partner_events import PartnerCommandRefused
from contracts.partners import COMMANDS
from contracts.partners import QUERIES as QUERY_TOPIC
from contracts.personal import UnsealPartners
from services.chassis import Service, load, run
from services.chassis.refused_queries import refused_as
from services.exports.desk import ExportDesk
from services.exports.wiring import export_questions, rules_of, run_exports
from services.partners.datasets import DATASETS
from services.partners.decisions.allowlist_watch import AllowlistWatch
from services.partners.desk import DeskRules, partners_desk
from services.partners.dossiers.documents import DocumentStore
from services.partners.gate.queries import gate_queries
from services.partners.identity.wiring import deactivate_former_contacts
from services.partners.invoices import queries as invoices
from services.partners.invoices.expiry import ExpiryTimer
from services.partners.mint import queries as vouchers
from services.partners.mint.evidence import Reviewed
from services.partners.queries import QUERIES
from services.partners.review.wiring import review
from services.partners.settings import PartnersSettings
from services.people.unsealing import unsealing
from services.upkeep import Pruning
from services.wire.allowlist import Allowlist


def main() -> None:
    settings = load(PartnersSettings)

    def build(service: Service) -> None:
        documents = DocumentStore(settings)
        service.resources.push_async_callback(documents.close)
        root_admins = Allowlist(settings.oidc_issuer, settings.root_admin_subjects, settings.root_admin_subjects_file)
        reviewed = Reviewed(service.engine, documents)
        rules = DeskRules(settings.rules(), settings.invoice_rules(), settings.voucher_rules())
        exports = ExportDesk(service.engine, rules_of(DATASETS, settings))
        desk = partners_desk(documents, reviewed, root_admins, rules, settings.master_key, exports)
        service.commands(COMMANDS, desk)
        asked = QUERIES | gate_queries(settings.policy, root_admins) | invoices.QUERIES | vouchers.QUERIES
        asked[UnsealPartners] = unsealing(settings.master_key, root_admins)
        asked |= export_questions(service, settings, PARTNERS)
        service.queries(QUERY_TOPIC, asked, refused_as(PartnerCommandRefused))
        service.background.append(AllowlistWatch(service.engine, root_admins, service.own_commands).run)
        service.background.append(ExpiryTimer(service.engine, service.own_commands).run)
        service.background.append(Pruning(service.engine, settings).run)
        review(service, settings)
        deactivate_former_contacts(service, settings)
        run_exports(service, settings, PARTNERS)

    run(settings, build)
