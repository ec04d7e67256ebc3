"""What is done with commands about exports, the same in each service; only the messages' names differ.

A worker or timer may be late or there twice, so what does not apply is answered 200 and leaves no fact.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from contracts.export_messages import ExportMessages
from contracts.exports import (
    ExpireExport,
    ExportState,
    FailExport,
    FinishExport,
    OfExport,
    StartExport,
    StartScheduledExport,
)
from contracts.failures import Code
from contracts.message import Command, EventActor
from services.chassis import Call, Fact, Outcome, Refusal, Reply
from services.chassis.commands import Handler
from services.exports.book import ExportBook
from services.exports.export import Export


class Book(Protocol):
    """Whatever else a service's book has."""

    exports: ExportBook


def handlers(messages: ExportMessages) -> dict[type[Command], Handler]:
    """A row of the service's table of handlers for each command."""
    made = _Handlers(messages)
    return {
        messages.start: made.start,
        messages.start_scheduled: made.start_scheduled,
        messages.finish: made.finish,
        messages.fail: made.fail,
        messages.expire: made.expire,
    }


class _Handlers:
    def __init__(self, messages: ExportMessages) -> None:
        self._messages = messages

    def start(self, command: StartExport, call: Call, book: Book) -> Outcome:
        start, end = command.range_from, command.range_to
        if start and end and start > end:
            return Refusal(Code.AUDIT_RANGE_INVALID, "`from` is after `to`")
        if (start or end) and book.exports.rules.datasets[command.dataset].time_column is None:
            return Refusal(Code.AUDIT_RANGE_INVALID, f"{command.dataset} has no time to ask for")
        return self._start(command, call, book.exports, start, end)

    def start_scheduled(self, command: StartScheduledExport, call: Call, book: Book) -> Outcome:
        return self._start(command, call, book.exports)

    def _start(
        self,
        command: StartExport | StartScheduledExport,
        call: Call,
        book: ExportBook,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Outcome:
        standing = book.exports.get(call.context.command_id)
        if standing:
            return Reply(202, standing.view(call.now), location=standing.location)
        if book.sizes.get(call.message_id, 0) > book.rules.max_rows:
            return Refusal(Code.EXPORT_TOO_LARGE, f"more than {book.rules.max_rows} rows; ask for less of its time")
        export = Export(
            id=call.context.command_id,
            dataset=command.dataset,
            format=command.format,
            range_from=start,
            range_to=end,
            state=ExportState.REQUESTED,
            requested_by=EventActor(type=call.actor.type, issuer=call.actor.issuer or None, subject=call.actor.subject),
            requested_at=call.now,
            scheduled_for=command.scheduled_for if isinstance(command, StartScheduledExport) else None,
        )
        requested = export.request(self._messages)
        book.add(export)
        return Reply(202, export.view(call.now), [requested], location=export.location)

    def finish(self, command: FinishExport, call: Call, book: Book) -> Outcome:
        return _report(command, call, book, lambda it: it.finish(book.exports.rules.lifetime, call, self._messages))

    def fail(self, command: FailExport, call: Call, book: Book) -> Outcome:
        return _report(command, call, book, lambda it: it.fail(command.why, self._messages))

    def expire(self, command: ExpireExport, call: Call, book: Book) -> Outcome:
        return _report(command, call, book, lambda it: it.expire(call, self._messages))


def _report(command: OfExport, call: Call, book: Book, do: Callable[[Export], Fact | None]) -> Outcome:
    export = book.exports.exports.get(command.export_id)
    if export is None:
        return Refusal(Code.NOT_FOUND)
    done = do(export)
    if done:
        book.exports.changed[export.id] = export
    return Reply(200, export.view(call.now), [done] if done else [])
