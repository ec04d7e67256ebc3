"""The audit service, put together."""

from collections.abc import Callable, Iterable

from contracts.audit import COMMANDS, QUERIES, GetCheckpoint, GetEvent, ListEvents, ProveEvent, ProveEvents
from contracts.audit_as_of import GetBranchAccessAsOf, GetMembershipAsOf, GetPartnerAsOf, GetRosterAsOf
from contracts.audit_consistency import ListCheckpoints, ProveConsistency
from contracts.export_messages import AUDIT
from contracts.message import Query
from contracts.topics import EVENT_TOPICS
from services.audit.as_of.queries import branch_access_as_of, membership_as_of, partner_as_of, roster_as_of
from services.audit.bucket import Bucket
from services.audit.checkpoints import Publisher
from services.audit.completeness import GapWatch
from services.audit.consistency import ConsistencyProver, list_checkpoints
from services.audit.datasets import DATASETS
from services.audit.desk import audit_desk
from services.audit.log import Sequencer
from services.audit.pace import Paced
from services.audit.proofs import Prover
from services.audit.queries import get_checkpoint, get_event, list_events
from services.audit.readings import Readings
from services.audit.retention import Retention
from services.audit.settings import AuditSettings
from services.audit.witnessing import Witnessing
from services.chassis import Service, load, run
from services.chassis.database import connect
from services.chassis.queries import QueryHandler
from services.exports.desk import ExportDesk
from services.exports.wiring import export_questions, rules_of, run_exports
from services.upkeep import Pruning


def build(service: Service, settings: AuditSettings) -> None:
    publisher = Publisher(service.engine, service.producer, Bucket(settings), settings.audit_origin)
    verifier = settings.signer.verifier
    woken = [publisher.wake]
    if settings.witness:
        witnessing = Witnessing(service.engine, service.producer, verifier, settings.witness)
        service.health.checks["witness"] = witnessing.check
        service.background.append(witnessing.run)
        woken.append(witnessing.wake)
    if settings.retention_database_url.get_secret_value():
        retention = _retention(service, settings)
        service.background.append(lambda: retention.run(settings.retention_interval_seconds))
        woken.append(retention.wake)

    async def waiting() -> int:
        return await service.lanes[0].lag()

    sequencer = Sequencer(service.engine, settings.signer, committed=lambda: _call_all(woken))
    paced = Paced(sequencer, waiting, settings.catch_up_times)
    service.events("log", EVENT_TOPICS, paced)
    prover = Prover(verifier)
    readings = Readings(service.engine, service.relay)
    handlers: dict[type[Query], QueryHandler] = {
        ListEvents: readings.recorded(list_events),
        GetEvent: readings.recorded(get_event),
        ProveEvent: readings.recorded(prover.prove_event),
        GetPartnerAsOf: readings.recorded(partner_as_of),
        GetRosterAsOf: readings.recorded(roster_as_of),
        GetMembershipAsOf: readings.recorded(membership_as_of),
        GetBranchAccessAsOf: readings.recorded(branch_access_as_of),
        ProveEvents: prover.prove_events,
        GetCheckpoint: get_checkpoint,
        ListCheckpoints: list_checkpoints,
        ProveConsistency: ConsistencyProver(verifier).prove,
    }
    service.background += [publisher.run, Pruning(service.engine, settings).run]
    service.commands(COMMANDS, audit_desk(ExportDesk(service.engine, rules_of(DATASETS, settings))))
    handlers |= export_questions(service, settings, AUDIT)
    service.queries(QUERIES, handlers, readings.witness(handlers))
    run_exports(service, settings, AUDIT)
    service.background.append(GapWatch(service.engine, behind=waiting).run)


def _retention(service: Service, settings: AuditSettings) -> Retention:
    remover = connect(settings.retention_database_url.get_secret_value())
    service.resources.push_async_callback(remover.dispose)
    return Retention(service.engine, remover, settings.periods, service.relay.wake)


def _call_all(woken: Iterable[Callable[[], None]]) -> None:
    for wake in woken:
        wake()


def main() -> None:
    settings = load(AuditSettings)
    run(settings, lambda service: build(service, settings))
