"""The mint worker's composition root: a process of its own, so that the token's PIN is known nowhere else."""

from contracts.invoices import InvoiceSigning
from contracts.vouchers import VoucherOutcomeUnknown, VoucherSigned
from services.chassis import Service, load, run
from services.chassis.messaging import AT_ONCE
from services.partners.dossiers.documents import DocumentStore
from services.partners.mint.evidence import Reviewed
from services.partners.mint.heartbeat import Heartbeat
from services.partners.mint.keeper import TokenKeeper
from services.partners.mint.last_gate import LastGate
from services.partners.mint.settings import MintSettings
from services.partners.mint.signer import Signer
from services.partners.mint.swap import SwapNode
from services.partners.mint.worker import Mint

WAKES = (InvoiceSigning.type, VoucherSigned.type, VoucherOutcomeUnknown.type)


def main() -> None:
    settings = load(MintSettings)

    def build(service: Service) -> None:
        documents = DocumentStore(settings)
        node = SwapNode(settings.swap_url, settings.swap_token.get_secret_value(), settings.swap_deadline_seconds)
        token = TokenKeeper(settings.token, settings.hsm_deadline_seconds)
        gate = LastGate(service.engine, settings.policy)
        signer = Signer(service.engine, gate, token)
        heartbeat = Heartbeat(service.engine, token, settings.instance)
        reviewed = Reviewed(service.engine, documents)
        mint = Mint(service.engine, signer, gate, node, reviewed, service.own_commands, settings.lease)
        for close in (documents.close, node.close, token.close):
            service.resources.push_async_callback(close)
        service.events("mint", WAKES, mint.on_events, AT_ONCE)
        service.health.checks["token"] = heartbeat.problem
        service.health.facts["token"] = token.kind
        service.background += [heartbeat.run]
        if settings.signing_enabled:
            service.background += [mint.run]

    run(settings, build)
