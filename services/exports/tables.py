"""The tables of exports, the same in each service's schema. Called by the service's own migration."""

from collections.abc import Iterable

from alembic import op

from services.exports.dataset import WORK

STATES = "'REQUESTED', 'RUNNING', 'READY', 'FAILED', 'EXPIRED'"


def create(service: str) -> None:
    """In the schema that the migration works in; `service` is also the role that may use them."""
    op.execute(f"""
        CREATE TABLE exports (
            id uuid PRIMARY KEY,
            version integer NOT NULL CONSTRAINT exports_version CHECK (version > 0),
            dataset text NOT NULL,
            format text NOT NULL CONSTRAINT exports_format CHECK (format IN ('csv', 'jsonl', 'parquet')),
            range_from timestamptz,
            range_to timestamptz,
            state text NOT NULL CONSTRAINT exports_state CHECK (state IN ({STATES})),
            requested_by jsonb NOT NULL,
            requested_at timestamptz NOT NULL,
            scheduled_for timestamptz,
            taken_at timestamptz,
            copied_rows bigint,
            bound bigint,
            upload_id text,
            writer text,
            rows bigint,
            size bigint,
            sha256 text CONSTRAINT exports_sha256 CHECK (sha256 ~ '^[0-9a-f]{{64}}$'),
            manifest text,
            failure text,
            tries integer NOT NULL DEFAULT 0,
            next_try_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz,
            CONSTRAINT exports_range CHECK (range_from <= range_to),
            -- rows are copied, or the log's end is noted, at the moment that the manifest names
            CONSTRAINT exports_taken_once CHECK ((taken_at IS NULL) = (num_nonnulls(copied_rows, bound) = 0)),
            -- a file is known whole or not at all
            CONSTRAINT exports_whole CHECK (num_nulls(rows, size, sha256, manifest) IN (0, 4)),
            CONSTRAINT exports_ready_has_file CHECK (state <> 'READY' OR num_nulls(manifest, expires_at) = 0),
            -- who failed says why
            CONSTRAINT exports_failed_why CHECK (state <> 'FAILED' OR failure IS NOT NULL)
        );
        COMMENT ON COLUMN exports.writer IS 'what wrote the parts: another version begins the upload again';
        CREATE INDEX exports_due ON exports (next_try_at) WHERE state IN ('REQUESTED', 'RUNNING');
        CREATE INDEX exports_to_expire ON exports (expires_at) WHERE state = 'READY';

        CREATE TABLE export_rows (
            export_id uuid NOT NULL REFERENCES exports ON DELETE CASCADE,
            ordinal bigint NOT NULL,
            cells text[] NOT NULL,
            PRIMARY KEY (export_id, ordinal)
        );
        COMMENT ON TABLE export_rows IS 'what a changing table held at one moment, until the file is complete';

        CREATE TABLE export_parts (
            export_id uuid NOT NULL REFERENCES exports ON DELETE CASCADE,
            number integer NOT NULL CONSTRAINT export_parts_number CHECK (number BETWEEN 1 AND 10000),
            sha256 text NOT NULL,
            etag text NOT NULL,
            size integer NOT NULL,
            PRIMARY KEY (export_id, number)
        );
        COMMENT ON TABLE export_parts IS 'what the bucket has of a file that is not complete';

        GRANT SELECT, INSERT ON exports TO {service};
        GRANT UPDATE (
            version, state, taken_at, copied_rows, bound, upload_id, writer, rows, size, sha256, manifest, failure,
            tries, next_try_at, expires_at
        ) ON exports TO {service};
        GRANT SELECT, INSERT, DELETE ON export_rows, export_parts TO {service};
    """)


def show(service: str, tables: Iterable[str]) -> None:
    """Let the service read every row of tables under row-level security while it declares the work of exports."""
    for table in tables:
        op.execute(f"""
            CREATE POLICY exported ON {table} FOR SELECT TO {service}
                USING ((SELECT current_setting('gatehouse.work', true)) = '{WORK}');
        """)
