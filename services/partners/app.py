"""The partners service's composition root."""

import structlog

from contracts.partners import COMMANDS
from contracts.partners import QUERIES as QUERY_TOPIC
from services.chassis import Service, load, run
from services.partners.allowlist_watch import AllowlistWatch
from services.partners.desk import partners_desk
from services.partners.documents import DocumentStore
from services.partners.gate.queries import gate_queries
from services.partners.identity.deactivation import Deactivator
from services.partners.identity.scim import ScimDirectory
from services.partners.invoices.expiry import ExpiryTimer
from services.partners.invoices.queries import QUERIES as INVOICE_QUERIES
from services.partners.queries import QUERIES
from services.partners.settings import PartnersSettings
from services.wire.allowlist import Allowlist

log = structlog.get_logger()


def main() -> None:
    settings = load(PartnersSettings)

    def build(service: Service) -> None:
        documents = DocumentStore(settings)
        service.resources.push_async_callback(documents.close)
        root_admins = Allowlist(settings.oidc_issuer, settings.root_admin_subjects, settings.root_admin_subjects_file)
        service.commands(COMMANDS, partners_desk(documents, root_admins, settings.rules(), settings.invoice_rules()))
        service.queries(QUERY_TOPIC, QUERIES | gate_queries(settings.policy) | INVOICE_QUERIES)
        service.background.append(AllowlistWatch(service.engine, root_admins, service.own_commands).run)
        service.background.append(ExpiryTimer(service.engine, service.own_commands).run)
        deactivate_former_contacts(service, settings)

    run(settings, build)


def deactivate_former_contacts(service: Service, settings: PartnersSettings) -> None:
    """Where no provider is named the jobs wait, and stay visible as tasks of their partners."""
    if not settings.scim_url:
        log.warning("deactivations.unattended", effect="former contacts stay active at the identity provider")
        return
    directory = ScimDirectory(settings.scim_url, settings.scim_token.get_secret_value(), issuer=settings.oidc_issuer)
    service.resources.push_async_callback(directory.close)
    service.background.append(Deactivator(service.engine, directory, service.own_commands).run)
