"""How far an export is, and where its file lies. A link is made for each answer and is good for five minutes."""

from uuid import UUID

from contracts.exports import ExportLink, ExportState, GetExport, GetExportFile
from contracts.failures import Code
from contracts.message import Query
from services.chassis import Call, Outcome, Read, Refusal, Reply
from services.chassis.queries import QueryHandler
from services.exports.book import load_exports
from services.exports.export import Export
from services.exports.files import LINK_LIFETIME, key_of, link, store_of
from services.exports.formats import Format
from services.exports.settings import ExportSettings


class ExportQuestions:
    def __init__(self, settings: ExportSettings) -> None:
        self._service, self._store = settings.service, store_of(settings)

    def handlers(self) -> dict[type[Query], QueryHandler]:
        return {GetExport: self.get, GetExportFile: self.file}

    async def get(self, query: GetExport, call: Call, read: Read) -> Outcome:
        export = await _found(read, query.export_id)
        if export is None:
            return Refusal(Code.NOT_FOUND)
        if export.state is not ExportState.READY or export.is_over(call.now):
            return Reply(200, export.view(call.now), etag=export.etag)
        return Reply(200, export.view(call.now, self._link(export), call.now + LINK_LIFETIME), etag=export.etag)

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
        return Reply(200, ExportLink(link=self._link(export)))

    def _link(self, export: Export) -> str:
        return link(self._store, key_of(self._service, export.id, Format(export.format)))


async def _found(read: Read, export_id: UUID) -> Export | None:
    return (await load_exports(read, [export_id], lock=False)).get(export_id)
