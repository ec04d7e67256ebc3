"""Who left a roster is deactivated at the identity provider, where one is named."""

import structlog

from services.chassis import Service
from services.partners.identity.deactivation import Deactivator
from services.partners.identity.scim import ScimDirectory
from services.partners.settings import PartnersSettings

log = structlog.get_logger()


def deactivate_former_contacts(service: Service, settings: PartnersSettings) -> None:
    """Where no provider is named the jobs wait, and stay visible as tasks of their partners."""
    if not settings.scim_url:
        log.warning("deactivations.unattended", effect="former contacts stay active at the identity provider")
        return
    directory = ScimDirectory(settings.scim_url, settings.scim_token.get_secret_value(), issuer=settings.oidc_issuer)
    service.resources.push_async_callback(directory.close)
    service.background.append(Deactivator(service.engine, directory, service.own_commands).run)
