"""Exports in a service: what its desk needs, its questions, and the work beside the batches."""

from collections.abc import Iterable

from contracts.export_messages import ExportMessages
from contracts.message import Query
from services.chassis import Service
from services.chassis.queries import QueryHandler
from services.exports.book import ExportRules
from services.exports.dataset import Dataset
from services.exports.expiry import ExportExpiry
from services.exports.job_settings import ExportJobSettings
from services.exports.links import ExportLinks
from services.exports.queries import ExportQuestions
from services.exports.schedule import Schedule
from services.exports.worker import ExportWorker


def rules_of(datasets: Iterable[Dataset], settings: ExportJobSettings) -> ExportRules:
    named = {dataset.name: dataset for dataset in datasets}
    return ExportRules(named, settings.export_max_rows, settings.export_lifetime)


def export_questions(
    service: Service, settings: ExportJobSettings, messages: ExportMessages
) -> dict[type[Query], QueryHandler]:
    return ExportQuestions(ExportLinks(service.engine, service.relay, settings, messages)).handlers()


def run_exports(service: Service, settings: ExportJobSettings, messages: ExportMessages) -> None:
    """Have files made, on demand and on schedule, and thrown away; not in an instance that is told not to."""
    if not settings.export_jobs:
        return
    commands = service.own_commands
    module = f"services.{service.name}.exporting"
    service.background += [
        ExportWorker(service.engine, commands, messages, module).run,
        ExportExpiry(service.engine, commands, messages, settings).run,
    ]
    if settings.export_schedule:
        service.background.append(Schedule(commands, messages, settings.export_schedule).run)
