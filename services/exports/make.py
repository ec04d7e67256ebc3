"""One export, in a process of its own: `python -m services.<service>.exporting EXPORT_ID`.

Take the rows, write and upload the file, sign the manifest, note it in the row. Each step is done once and noted, or
done again with the same result; the file itself is written again from its beginning by everybody who goes on.
"""

import ctypes
import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from uuid import UUID

import psycopg
import structlog

from services.exports.cells import Row
from services.exports.dataset import WORK, Dataset
from services.exports.files import key_of, store_of
from services.exports.formats import codec
from services.exports.manifest import Manifest, ManifestColumn, Range, signer_of
from services.exports.points import ExportPoint
from services.exports.records import Connection, Job, Records
from services.exports.settings import ExportSettings
from services.exports.source import rows, take
from services.exports.upload import Upload, UploadLostError, in_parts
from services.wire import telemetry
from services.wire.crash import reach

_SESSION = f"-c gatehouse.work={WORK} -c timezone=UTC -c datestyle=ISO -c jit=off"
_M_MMAP_THRESHOLD = -3

log = structlog.get_logger()


def main(datasets: Iterable[Dataset], settings: ExportSettings) -> None:
    """Make the export that the first argument names and leave with 0 once its row holds size, hash and manifest.

    Any other exit: run it again, with the same result; `failure` in the row says why. The state is not changed here.
    """
    telemetry.configure(settings.service, settings.instance)
    _keep_large_blocks_apart()
    structlog.contextvars.bind_contextvars(export_id=sys.argv[1])
    try:
        with connect(settings) as source, connect(settings) as notes:
            _make_or_say_why({dataset.name: dataset for dataset in datasets}, settings, source, notes)
    except Exception:
        log.exception("export.broken")
        sys.exit(1)


def _keep_large_blocks_apart() -> None:
    """From the heap, where glibc puts ever larger ones over time, and holes of 20 MB come to be between them."""
    with suppress(AttributeError):  # no other C library has this, nor needs it
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 1 << 20)


def connect(settings: ExportSettings) -> Connection:
    dsn = settings.database_url.get_secret_value().replace("+asyncpg", "")
    return psycopg.connect(dsn, autocommit=True, options=_SESSION, connect_timeout=30)


def _make_or_say_why(
    datasets: Mapping[str, Dataset], settings: ExportSettings, source: Connection, notes: Connection
) -> None:
    records = Records(notes, UUID(sys.argv[1]))
    records.lock()
    try:
        _make(datasets, settings, source, records)
    except Exception as error:
        records.note_failure(telemetry.withhold(f"{type(error).__name__}: {error}"))
        raise


def _make(datasets: Mapping[str, Dataset], settings: ExportSettings, source: Connection, records: Records) -> None:
    job = records.job()
    if job.manifest is not None:
        return
    dataset, signer = datasets[job.dataset], signer_of(settings)
    if job.taken_at is None:
        reach(ExportPoint.BEFORE_TAKE)
        take(source, job, dataset)
        reach(ExportPoint.AFTER_TAKE)
        job = records.job()
    writing = _Writing(settings, dataset, job, source, records)
    manifest = writing.manifest()
    records.finish(manifest.rows, manifest.size, manifest.sha256, signer.sign(manifest.text()))
    reach(ExportPoint.AFTER_FINISH)
    log.info("export.made", dataset=dataset.name, rows=manifest.rows, size=manifest.size)


class _Writing:
    """From the rows to the whole file in the bucket."""

    def __init__(
        self, settings: ExportSettings, dataset: Dataset, job: Job, source: Connection, records: Records
    ) -> None:
        self._service, self._dataset, self._job, self._source = settings.service, dataset, job, source
        self._codec = codec(job.format)
        key = key_of(settings.service, job.id, job.format)
        self._upload = Upload(store_of(settings), key, job.format.content_type, records)

    def manifest(self) -> Manifest:
        """Go on with the upload that was begun; if that can't be, with a new one."""
        if self._job.upload_id is not None and self._job.writer == self._codec.WRITER:
            self._upload.resume(self._job.upload_id)
            try:
                return self._write()
            except UploadLostError as error:
                log.warning("export.begun_again", error=str(error))
        self._upload.begin(self._codec.WRITER)
        return self._write()

    def _write(self) -> Manifest:
        job, dataset, digest = self._job, self._dataset, hashlib.sha256()
        counted, size = _Counted(rows(self._source, job, dataset)), 0
        for body in in_parts(self._codec.encode(dataset.columns, counted)):
            self._upload.send(body)
            digest.update(body)
            size += len(body)
            del body  # 8 MiB less while the next one is made
        self._upload.complete(digest.hexdigest())
        if job.taken_at is None:
            raise ValueError("nothing has been taken")
        return Manifest(
            service=self._service,
            export_id=job.id,
            dataset=dataset.name,
            source=dataset.source,
            format=job.format,
            columns=tuple(ManifestColumn(name=column.name, kind=column.kind) for column in dataset.columns),
            range=Range.model_validate({"from": job.range_from, "to": job.range_to}),
            taken_at=job.taken_at,
            bound=job.bound,
            rows=counted.rows,
            size=size,
            sha256=digest.hexdigest(),
            writer=self._codec.WRITER,
        )


class _Counted:
    def __init__(self, source: Iterator[Row]) -> None:
        self._source, self.rows = source, 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._source:
            self.rows += 1
            yield row
