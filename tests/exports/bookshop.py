"""A small service with exports: its database, its bucket, and the process that makes one export."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from alembic.migration import MigrationContext
from alembic.operations import Operations
from psycopg.rows import dict_row
from sqlalchemy import create_engine, text

from deploy.local.objects import client
from deploy.local.stack import Stack
from services.exports import tables
from services.exports.cells import Row
from services.exports.dataset import Dataset
from services.exports.files import key_of
from services.exports.formats import Format
from services.exports.make import connect
from services.exports.manifest import signer_of
from services.exports.records import Records
from services.exports.settings import ExportSettings
from services.exports.source import rows, take
from services.wire.note import Verifier
from tests.exports.exporting import PEAK_MARK
from tests.support.process import REPOSITORY, Crash

ROLE = "bookshop"
MIGRATION = """
    CREATE TABLE books (
        id uuid PRIMARY KEY,
        author text NOT NULL,
        title text,
        pages integer NOT NULL CONSTRAINT books_pages CHECK (pages > 0),
        price numeric(24, 4),
        in_stock boolean NOT NULL,
        added_at timestamptz NOT NULL,
        about jsonb,
        cover bytea,
        tags text[] NOT NULL,
        -- never exported
        safe_code text,
        CONSTRAINT books_locked_up CHECK (in_stock = (safe_code IS NOT NULL))
    );
    CREATE TABLE sales (
        position bigint PRIMARY KEY, book_id uuid NOT NULL, recorded_at timestamptz NOT NULL, raw bytea NOT NULL
    );
    CREATE TABLE seals (size bigint PRIMARY KEY);
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the till is closed'; END $$;
    CREATE TRIGGER sales_sealed BEFORE INSERT ON sales FOR EACH ROW
        WHEN (current_setting('bookshop.till', true) IS DISTINCT FROM 'open') EXECUTE FUNCTION refuse_change();
    CREATE TABLE shelves (branch_id uuid NOT NULL, name text NOT NULL, PRIMARY KEY (branch_id, name));
    ALTER TABLE shelves ENABLE ROW LEVEL SECURITY;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA bookshop TO bookshop;
"""
BOOK: LiteralString = """
    INSERT INTO books
    SELECT md5(n::text)::uuid, CASE n %% 3 WHEN 0 THEN '=author ' WHEN 1 THEN 'Ä ' ELSE 'z ' END || n %% 97,
           CASE WHEN n %% 5 > 0 THEN repeat('a "title", ' || n, n %% 4) END, n, CASE WHEN n %% 7 > 0 THEN n * 1.25 END,
           n %% 2 = 0, timestamptz '2026-01-01T00:00Z' + n * interval '1.000001 s',
           CASE n %% 4 WHEN 0 THEN NULL WHEN 1 THEN 'null' ELSE jsonb_build_object('n', n * 1.10, 'é', 'x' || n) END,
           CASE WHEN n %% 6 > 0 THEN (
               SELECT string_agg(sha512((n || '.' || i)::bytea), '') FROM generate_series(1, %s::int) AS i
           ) END,
           CASE n %% 3 WHEN 0 THEN '{}' WHEN 1 THEN ARRAY['a,b', NULL, '"'] ELSE ARRAY['t' || n] END,
           CASE WHEN n %% 2 = 0 THEN 'secret ' || n END
    FROM generate_series(%s::int, %s::int) AS n
"""
SALE: LiteralString = """
    INSERT INTO sales
    SELECT n, md5(n::text)::uuid, timestamptz '2026-01-01T00:00Z' + n / 10 * interval '1 s',
           convert_to('{"sale": ' || n || ', "note": "' || repeat('~', n %% 90) || '"}', 'UTF8')
    FROM generate_series(%s::int, %s::int) AS n
"""


def migrate(admin_dsn: str) -> None:
    """The schema as its own migration would make it."""
    engine = create_engine(admin_dsn.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {ROLE}; GRANT USAGE ON SCHEMA {ROLE} TO {ROLE}"))
        connection.execute(text(f"SET LOCAL search_path TO {ROLE}"))
        connection.exec_driver_sql(MIGRATION)
        with Operations.context(MigrationContext.configure(connection)):
            tables.create(ROLE)
            tables.show(ROLE, ["shelves"])
    engine.dispose()


def stock(admin_dsn: str, first: int, last: int, *, cover_bytes: int = 64) -> None:
    """The books of these numbers, the same in each shop."""
    with psycopg.connect(admin_dsn, options=f"-c search_path={ROLE}") as connection:
        connection.execute(BOOK, (cover_bytes // 64, first, last))


@dataclass(frozen=True)
class Made:
    """How a process that was to make an export ended."""

    exit_code: int
    output: str

    @property
    def peak_mib(self) -> float:
        [kib] = re.findall(f"{PEAK_MARK} ([0-9]+)", self.output)
        return int(kib) / 1024


class Bookshop:
    def __init__(self, stack: Stack, database: str, settings: dict[str, str], directory: Path) -> None:
        self.stack, self.environment, self._directory = stack, settings, directory
        self.admin_dsn = stack.state.dsn("postgres", database=database)
        self.settings = ExportSettings.model_validate(
            {name.removeprefix("GATEHOUSE_").lower(): value for name, value in settings.items()}
        )
        self.s3, self.bucket = client(stack.state), self.settings.export_bucket
        self.crash = Crash(directory)

    @property
    def verifier(self) -> Verifier:
        return signer_of(self.settings).verifier

    def rows(self, statement: LiteralString, *args: Any, role: str = "") -> list[dict[str, Any]]:
        options = f"-c search_path={ROLE} -c timezone=UTC -c bookshop.till=open" + (f" -c role={role}" if role else "")
        with psycopg.connect(self.admin_dsn, autocommit=True, row_factory=dict_row, options=options) as connection:
            cursor = connection.execute(statement, args)
            return cursor.fetchall() if cursor.description else []

    def stock(self, first: int, last: int) -> None:
        stock(self.admin_dsn, first, last)

    def sell(self, first: int, last: int, *, sealed: int) -> None:
        self.rows(SALE, first, last)
        self.rows("INSERT INTO seals VALUES (%s)", sealed)

    def order(
        self, dataset: str, file_format: Format, start: datetime | None = None, end: datetime | None = None
    ) -> UUID:
        export_id = uuid4()
        self.rows(
            """
            INSERT INTO exports (id, version, dataset, format, range_from, range_to, state, requested_by, requested_at)
            VALUES (%s, 1, %s, %s, %s, %s, 'RUNNING', '{}', now())
            """,
            export_id, dataset, file_format, start, end, role=ROLE,
        )  # fmt: skip
        return export_id

    def begin(self, export_id: UUID, *, part_bytes: int | None = None) -> "subprocess.Popen[str]":
        """The child as a service starts it."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.exports.exporting", str(export_id)],
            cwd=self._directory,
            env=os.environ
            | self.environment
            | ({"BOOKSHOP_PART_BYTES": str(part_bytes)} if part_bytes else {})
            | {"PYTHONPATH": str(REPOSITORY), "GATEHOUSE_CRASH_FILE": str(self.crash.file)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def make(self, export_id: UUID, *, part_bytes: int | None = None) -> Made:
        with self.begin(export_id, part_bytes=part_bytes) as process:
            output, _ = process.communicate(timeout=600)
        return Made(process.returncode, output)

    def made(self, dataset: str, file_format: Format, *, part_bytes: int | None = None) -> UUID:
        """An export that nothing disturbed."""
        export_id = self.order(dataset, file_format)
        done = self.make(export_id, part_bytes=part_bytes)
        assert done.exit_code == 0, done.output
        return export_id

    def taken(self, dataset: Dataset, start: datetime | None = None, end: datetime | None = None) -> list[Row]:
        """The rows of an export, without a file."""
        export_id = self.order(dataset.name, Format.CSV, start, end)
        with connect(self.settings) as connection:
            records = Records(connection, export_id)
            take(connection, records.job(), dataset)
            return list(rows(connection, records.job(), dataset))

    def row(self, export_id: UUID) -> dict[str, Any]:
        [found] = self.rows("SELECT * FROM exports WHERE id = %s", export_id)
        return found

    def download(self, export_id: UUID) -> tuple[Path, Path]:
        """File and manifest, as a person would keep them."""
        row = self.row(export_id)
        file = self._directory / f"{export_id}.{row['format']}"
        file.write_bytes(self.s3.get_object(Bucket=self.bucket, Key=self._key(export_id))["Body"].read())
        manifest = file.with_suffix(".manifest")
        manifest.write_text(row["manifest"], encoding="utf-8")
        return file, manifest

    @contextmanager
    def without_bucket(self) -> Iterator[None]:
        """As long as it lasts, processes are told of a bucket that is not there."""
        known = self.environment["GATEHOUSE_EXPORT_BUCKET"]
        self.environment["GATEHOUSE_EXPORT_BUCKET"] = "no-such-bucket"
        yield
        self.environment["GATEHOUSE_EXPORT_BUCKET"] = known

    def open_uploads(self, export_id: UUID) -> list[str]:
        listed = self.s3.list_multipart_uploads(Bucket=self.bucket, Prefix=self._key(export_id))
        return [upload["UploadId"] for upload in listed.get("Uploads", [])]

    def parts_in_bucket(self, export_id: UUID) -> list[tuple[int, str, datetime]]:
        upload_id = self.row(export_id)["upload_id"]
        listed = self.s3.list_parts(Bucket=self.bucket, Key=self._key(export_id), UploadId=upload_id)["Parts"]
        return [(part["PartNumber"], part["ETag"], part["LastModified"]) for part in listed]

    def give_up_uploads(self, export_id: UUID) -> None:
        for upload_id in self.open_uploads(export_id):
            self.s3.abort_multipart_upload(Bucket=self.bucket, Key=self._key(export_id), UploadId=upload_id)

    def remove_file(self, export_id: UUID) -> None:
        self.s3.delete_object(Bucket=self.bucket, Key=self._key(export_id))

    def leftovers(self, export_id: UUID) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Copied rows and noted parts."""
        return (
            self.rows("SELECT ordinal FROM export_rows WHERE export_id = %s", export_id),
            self.rows("SELECT number FROM export_parts WHERE export_id = %s", export_id),
        )

    def _key(self, export_id: UUID) -> str:
        return key_of(ROLE, export_id, Format(self.row(export_id)["format"]))
