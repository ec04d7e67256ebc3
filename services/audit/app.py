"""The audit service, put together."""

from collections.abc import Callable, Iterable

from contracts.audit import QUERIES, GetCheckpoint, GetEvent, ListEvents, ProveEvent, ProveEvents
from contracts.audit_consistency import ListCheckpoints, ProveConsistency
from contracts.message import Query
from contracts.topics import EVENT_TOPICS
from services.audit.bucket import Bucket
from services.audit.checkpoints import Publisher
from services.audit.completeness import GapWatch
from services.audit.consistency import ConsistencyProver, list_checkpoints
from services.audit.log import Sequencer
from services.audit.proofs import Prover
from services.audit.queries import get_checkpoint, get_event, list_events
from services.audit.readings import Readings
from services.audit.settings import AuditSettings
from services.audit.witnessing import Witnessing
from services.chassis import Service, load, run
from services.chassis.queries import QueryHandler


def build(service: Service, settings: AuditSettings) -> None:
    publisher = Publisher(service.engine, service.producer, Bucket(settings), settings.audit_origin)
    verifier = settings.signer.verifier
    woken = [publisher.wake]
    if settings.witness:
        witnessing = Witnessing(service.engine, service.producer, verifier, settings.witness)
        service.health.checks["witness"] = witnessing.check
        service.background.append(witnessing.run)
        woken.append(witnessing.wake)
    sequencer = Sequencer(service.engine, settings.signer, committed=lambda: _call_all(woken))
    service.events("log", EVENT_TOPICS, sequencer)
    prover = Prover(verifier)
    readings = Readings(service.engine, service.relay)
    handlers: dict[type[Query], QueryHandler] = {
        ListEvents: readings.recorded(list_events),
        GetEvent: readings.recorded(get_event),
        ProveEvent: readings.recorded(prover.prove_event),
        ProveEvents: prover.prove_events,
        GetCheckpoint: get_checkpoint,
        ListCheckpoints: list_checkpoints,
        ProveConsistency: ConsistencyProver(verifier).prove,
    }
    service.queries(QUERIES, handlers, readings.witness(handlers))
    service.background.append(publisher.run)
    service.background.append(GapWatch(service.engine, behind=service.lanes[0].lag).run)


def _call_all(woken: Iterable[Callable[[], None]]) -> None:
    for wake in woken:
        wake()


def main() -> None:
    settings = load(AuditSettings)
    run(settings, lambda service: build(service, settings))
