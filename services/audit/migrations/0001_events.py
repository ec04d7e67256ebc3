"""The log: events as received, what they are about, and signed checkpoints; INSERT and SELECT only, for everybody.

Columns of `events` other than `raw` are derived from it, so that reading needs no parsing; `audit verify` compares
them. There is no JSONB column: JSON may hold what JSONB refuses (\\u0000), and an event that can't be stored is lost.
"""

from alembic import context, op

revision = "audit_0001"
down_revision = None
branch_labels = ("audit",)
depends_on = None

TABLES = ("events", "event_targets", "checkpoints")


def upgrade() -> None:
    op.execute("""
        CREATE TABLE events (
            position bigint PRIMARY KEY CONSTRAINT events_position_from_zero CHECK (position >= 0),
            id uuid NOT NULL CONSTRAINT events_once UNIQUE,
            type text NOT NULL,
            schema_version smallint NOT NULL,
            aggregate_type text NOT NULL,
            aggregate_id uuid NOT NULL,
            aggregate_version integer NOT NULL,
            actor_type text NOT NULL,
            actor_issuer text,
            actor_subject text NOT NULL,
            command_id uuid NOT NULL,
            request_id text NOT NULL,
            outcome text NOT NULL,
            reason_code text,
            occurred_at timestamptz NOT NULL,
            recorded_at timestamptz NOT NULL,
            kafka_partition integer NOT NULL,
            kafka_offset bigint NOT NULL,
            raw bytea NOT NULL,
            leaf_hash bytea NOT NULL CONSTRAINT events_leaf_is_sha256 CHECK (octet_length(leaf_hash) = 32)
        );
        COMMENT ON COLUMN events.type IS 'also the name of the topic it came on';
        COMMENT ON COLUMN events.raw IS 'the exact bytes of the Kafka value: what the log commits to';
        COMMENT ON COLUMN events.leaf_hash IS 'SHA-256(0x00 || raw), RFC 6962';
        COMMENT ON COLUMN events.recorded_at IS 'the moment of the batch; the covering checkpoint''s created_at';
        -- position lies in it too, so that gaps are looked for in the index alone, in its order
        CREATE INDEX events_by_aggregate ON events (aggregate_id, aggregate_type, aggregate_version) INCLUDE (position);
        CREATE INDEX events_by_type ON events (type, position);
        CREATE INDEX events_by_actor ON events (actor_subject, position);

        CREATE TABLE event_targets (
            type text NOT NULL,
            id text NOT NULL,
            position bigint NOT NULL,
            PRIMARY KEY (type, id, position)
        );
        COMMENT ON TABLE event_targets IS 'derived from raw: one query for the whole timeline of a partner or person';
        -- rows lie in the order of their positions, so this costs nothing and lets the verifier read them in order
        CREATE INDEX event_targets_by_position ON event_targets USING brin (position) WITH (pages_per_range = 16);

        CREATE TABLE checkpoints (
            size bigint PRIMARY KEY CONSTRAINT checkpoints_cover_something CHECK (size > 0),
            root bytea NOT NULL CONSTRAINT checkpoints_root_is_sha256 CHECK (octet_length(root) = 32),
            range_hashes bytea[] NOT NULL,
            leaf_hashes bytea NOT NULL CONSTRAINT checkpoints_leaves_whole CHECK (octet_length(leaf_hashes) % 32 = 0),
            note text NOT NULL,
            created_at timestamptz NOT NULL
        );
        COMMENT ON COLUMN checkpoints.range_hashes IS 'the compact range at this size: where the next batch goes on';
        COMMENT ON COLUMN checkpoints.leaf_hashes IS 'of the batch, once more: to name the event that was altered';
        COMMENT ON COLUMN checkpoints.note IS 'the checkpoint as a signed note (C2SP tlog-checkpoint)';

        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit log is append-only: % on % refused', TG_OP, TG_TABLE_NAME
                USING ERRCODE = 'insufficient_privilege';
        END $$;
    """)
    service = context.config.attributes["service"]
    for table in TABLES:
        op.execute(f"""
            CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
                FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """)
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {service}")
