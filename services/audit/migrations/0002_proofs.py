"""What proofs need: leaf hashes can be found, and the roots of complete subtrees are kept, from now on and for before.

An instance of an older version that still runs can't record past a boundary without the node that belongs there: the
trigger turns its batch away until it is replaced. Nothing is lost, since offsets are committed last.
"""

from alembic import context, op

revision = "audit_0002"
down_revision = "audit_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.sequencer'));

        CREATE INDEX events_by_leaf ON events USING hash (leaf_hash);

        CREATE TABLE tree_nodes (
            level smallint NOT NULL CONSTRAINT tree_nodes_kept_levels CHECK (level IN (8, 16, 24, 32, 40, 48)),
            index bigint NOT NULL CONSTRAINT tree_nodes_index_from_zero CHECK (index >= 0),
            hash bytea NOT NULL CONSTRAINT tree_nodes_hash_is_sha256 CHECK (octet_length(hash) = 32),
            PRIMARY KEY (level, index)
        );
        COMMENT ON TABLE tree_nodes IS 'roots over 2^level leaves from index * 2^level on: derived, for proofs';

        CREATE FUNCTION subtree_root(hashes bytea[]) RETURNS bytea LANGUAGE plpgsql AS $$
        BEGIN
            WHILE cardinality(hashes) > 1 LOOP
                SELECT array_agg(sha256('\\x01'::bytea || hashes[2 * n - 1] || hashes[2 * n]) ORDER BY n) INTO hashes
                FROM generate_series(1, cardinality(hashes) / 2) AS n;
            END LOOP;
            RETURN hashes[1];
        END $$;
        INSERT INTO tree_nodes
            SELECT 8, position >> 8, subtree_root(array_agg(leaf_hash ORDER BY position))
            FROM events GROUP BY position >> 8 HAVING count(*) = 256;
        INSERT INTO tree_nodes
            SELECT 16, index >> 8, subtree_root(array_agg(hash ORDER BY index))
            FROM tree_nodes WHERE level = 8 GROUP BY index >> 8 HAVING count(*) = 256;
        INSERT INTO tree_nodes
            SELECT 24, index >> 8, subtree_root(array_agg(hash ORDER BY index))
            FROM tree_nodes WHERE level = 16 GROUP BY index >> 8 HAVING count(*) = 256;
        DROP FUNCTION subtree_root;

        CREATE FUNCTION demand_nodes() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (
                SELECT FROM unnest('{8, 16, 24, 32, 40, 48}'::smallint[]) AS kept WHERE NEW.size >> kept > 0
                AND NOT EXISTS (SELECT FROM tree_nodes WHERE level = kept AND index = (NEW.size >> kept) - 1)
            ) THEN
                RAISE EXCEPTION 'checkpoint % came without its tree nodes', NEW.size USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER checkpoints_nodes_first AFTER INSERT ON checkpoints
            FOR EACH ROW EXECUTE FUNCTION demand_nodes();

        CREATE TRIGGER tree_nodes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tree_nodes
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    """)
    op.execute(f"GRANT SELECT, INSERT ON tree_nodes TO {context.config.attributes['service']}")
