"""The audit service, put together."""

from contracts.audit import QUERIES, GetCheckpoint, ListEvents
from contracts.topics import EVENT_TOPICS
from services.audit.bucket import Bucket
from services.audit.checkpoints import Publisher
from services.audit.completeness import GapWatch
from services.audit.log import Sequencer
from services.audit.queries import get_checkpoint, list_events
from services.audit.settings import AuditSettings
from services.chassis import Service, load, run


def build(service: Service, settings: AuditSettings) -> None:
    publisher = Publisher(service.engine, service.producer, Bucket(settings), settings.audit_origin)
    sequencer = Sequencer(service.engine, settings.signer, committed=publisher.wake)
    service.events("log", EVENT_TOPICS, sequencer)
    service.queries(QUERIES, {ListEvents: list_events, GetCheckpoint: get_checkpoint})
    service.background.append(publisher.run)
    service.background.append(GapWatch(service.engine, behind=service.lanes[0].lag).run)


def main() -> None:
    settings = load(AuditSettings)
    run(settings, lambda service: build(service, settings))
