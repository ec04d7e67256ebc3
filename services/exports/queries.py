"""How far an export is, and where its file lies. A link is made for each answer and is good for five minutes."""

from uuid import UUID

from contracts.exports import ExportLink, ExportState, GetExport, GetExportFile
from contracts.failures import Code
from contracts.message import Query
from services.chassis import Call, Outcome, Read, Refusal, Reply
from services.chassis.queries import QueryHandler
from services.exports.book import load_exports
from services.exports.export import Export
from services.exports.links import ExportLinks


class ExportQuestions:
    def __init__(self, links: ExportLinks) -> None:
        self._links = links

    def handlers(self) -> dict[type[Query], QueryHandler]:
        return {GetExport: self.get, GetExportFile: self.file}

    async def get(self, query: GetExport, call: Call, read: Read) -> Outcome:
        export = await _found(read, query.export_id)
        if export is None:
            return Refusal(Code.NOT_FOUND)
        given = await self._links.give(export.id, call) if export.has_file(call.now) else None
        if isinstance(given, Refusal):
            return given
        if given is None:
            return Reply(200, export.view(call.now), etag=export.etag)
        view = given.export.view(call.now, given.link, given.expires_at)
        return Reply(200, view, etag=given.export.etag)

    async def file(self, query: GetExportFile, call: Call, read: Read) -> Outcome:
        export = await _found(read, query.export_id)
        if export is None:
            return Refusal(Code.NOT_FOUND)
        if export.is_over(call.now):
            return Refusal(Code.EXPORT_EXPIRED)
        if export.state is ExportState.FAILED:
            return Refusal(Code.EXPORT_NOT_READY, "it failed and there will be no file; ask for a new export")
        if export.state is not ExportState.READY:
            return Refusal(Code.EXPORT_NOT_READY, "it is still being made")
        given = await self._links.give(export.id, call)
        if given is None:
            return Refusal(Code.EXPORT_EXPIRED)
        return given if isinstance(given, Refusal) else Reply(200, ExportLink(link=given.link))


async def _found(read: Read, export_id: UUID) -> Export | None:
    return (await load_exports(read, [export_id], lock=False)).get(export_id)
