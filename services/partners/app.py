"""The partners service's composition root."""

from contracts.partners import COMMANDS
from contracts.partners import QUERIES as QUERY_TOPIC
from services.chassis import Service, load, run
from services.partners.desk import partners_desk
from services.partners.documents import DocumentStore
from services.partners.gate.queries import gate_queries
from services.partners.queries import QUERIES
from services.partners.settings import PartnersSettings
from services.wire.allowlist import Allowlist


def main() -> None:
    settings = load(PartnersSettings)

    def build(service: Service) -> None:
        documents = DocumentStore(settings)
        service.resources.push_async_callback(documents.close)
        root_admins = Allowlist(settings.oidc_issuer, settings.root_admin_subjects, settings.root_admin_subjects_file)
        service.commands(COMMANDS, partners_desk(documents, root_admins, settings.rules()))
        service.queries(QUERY_TOPIC, QUERIES | gate_queries(settings.policy, root_admins))

    run(settings, build)
