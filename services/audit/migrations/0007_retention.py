"""Retention (A10): an event whose time is over loses its bytes, and only as an `audit.purged` in the log says.

What may be changed is decided by the triggers, whoever tries it: a whole part named by a purge event, into stubs that
are exactly those it committed to. Legal holds are looked up by `purge_events`, all that the role `audit_retention` can
do; the service itself may still INSERT and SELECT and nothing else.
"""

from alembic import context, op

revision = "audit_0007"
down_revision = "audit_0006"
branch_labels = None
depends_on = None

_FORGOTTEN = ("actor_type", "actor_subject", "command_id", "request_id", "outcome", "occurred_at", "raw")
_KEPT = (
    *("id", "type", "schema_version", "aggregate_type", "aggregate_id", "aggregate_version", "recorded_at"),
    *("kafka_partition", "kafka_offset", "leaf_hash"),
)


def upgrade() -> None:
    for column in _FORGOTTEN:
        op.execute(f"ALTER TABLE events ALTER {column} DROP NOT NULL")
    op.execute(f"""
        ALTER TABLE events ADD purged_by bigint, ADD subjects bytea;
        COMMENT ON COLUMN events.purged_by IS 'position of the audit.purged event that names this stub';
        COMMENT ON COLUMN events.subjects IS 'of a stub: salted marks of whom it was about, for legal holds';
        ALTER TABLE events ADD CONSTRAINT events_whole_or_purged CHECK (CASE WHEN purged_by IS NULL
            THEN num_nulls({", ".join(_FORGOTTEN)}) = 0 AND subjects IS NULL
            ELSE num_nonnulls({", ".join(_FORGOTTEN)}, actor_issuer, reason_code) = 0 AND subjects IS NOT NULL END);
        CREATE INDEX events_purged ON events (position) WHERE purged_by IS NOT NULL;

        CREATE TABLE purges_settled (
            position bigint PRIMARY KEY
        );
        COMMENT ON TABLE purges_settled IS 'purge events that leave nothing to do; derived, so as not to look again';
    """)
    service = context.config.attributes["service"]
    kept = {table: ", ".join(f"{table}.{column}" for column in _KEPT) for table in ("was", "becomes")}
    for statements in (_WHAT_IS_SAID, _TRIGGERS, _PURGE):
        op.execute(statements.format(schema=service, **kept))
    op.execute(f"""
        REVOKE ALL ON FUNCTION purge_events, purge_parts, held_positions, allow_purging, allow_forgetting FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION purge_events TO {service}_retention;
        GRANT EXECUTE ON FUNCTION held_positions TO {service};
        GRANT SELECT ON purges_settled TO {service};
    """)


_WHAT_IS_SAID = r"""
    CREATE FUNCTION purge_parts(purge bigint)
        RETURNS TABLE (part bigint, ranges int8multirange, types text[], recorded_before timestamptz, stubs bytea)
        LANGUAGE sql STABLE SET search_path = {schema}, pg_temp AS $$
        SELECT told.nth,
            (SELECT range_agg(int8range((r ->> 0)::bigint, (r ->> 1)::bigint, '[]'))
                FROM jsonb_array_elements(told.part -> 'ranges') AS r),
            ARRAY(SELECT jsonb_array_elements_text(told.part -> 'types')),
            (told.part ->> 'recorded_before')::timestamptz,
            decode(told.part ->> 'stubs', 'hex')
        FROM events p, jsonb_array_elements(convert_from(p.raw, 'UTF8')::jsonb -> 'data' -> 'parts')
            WITH ORDINALITY AS told (part, nth)
        WHERE p.position = purge AND p.type = 'audit.purged' AND sha256('\x00'::bytea || p.raw) = p.leaf_hash
            AND EXISTS (SELECT FROM checkpoints WHERE size > purge)
            AND p.occurred_at <= p.recorded_at + interval '1 minute'
            AND (told.part ->> 'recorded_before')::timestamptz + interval '24 hours' * (told.part ->> 'days')::int
                <= p.occurred_at
        ORDER BY told.nth
    $$;
    COMMENT ON FUNCTION purge_parts IS 'what an audit.purged event names, if it is one, and covered by a checkpoint';

    CREATE FUNCTION held_positions(before bigint, low bigint, high bigint) RETURNS SETOF bigint
        LANGUAGE sql STABLE SET search_path = {schema}, pg_temp AS $$
        WITH subjects AS (
            SELECT DISTINCT ON (t.type, t.id) t.type, t.id, e.type LIKE '%.legal\_hold\_placed' AS held
            FROM events e JOIN event_targets t ON t.position = e.position AND t.type = split_part(e.type, '.', 1)
            WHERE e.position < before AND e.type = ANY (
                '{{partner.legal_hold_placed, partner.legal_hold_released, account.legal_hold_placed,
                account.legal_hold_released, tenant.legal_hold_placed, tenant.legal_hold_released}}'::text[])
            ORDER BY t.type, t.id, e.aggregate_version DESC)
        SELECT t.position FROM subjects s JOIN event_targets t ON (t.type, t.id) = (s.type, s.id)
            WHERE s.held AND t.position BETWEEN low AND high
        UNION
        SELECT e.position FROM subjects s JOIN events e ON e.actor_subject = s.id AND e.actor_type = 'staff'
            WHERE s.held AND s.type = 'account' AND e.position BETWEEN low AND high
    $$;
    COMMENT ON FUNCTION held_positions IS 'events under a legal hold, as far as the log before a position tells';
"""

_TRIGGERS = r"""
    CREATE FUNCTION allow_purging() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
    BEGIN
        IF NOT EXISTS (SELECT FROM was)
            OR (SELECT count(*) FROM was) <> (
                SELECT count(*) FROM was JOIN becomes USING (position)
                WHERE was.purged_by IS NULL AND sha256('\x00'::bytea || was.raw) = was.leaf_hash
                    AND becomes.purged_by IS NOT NULL AND ({was})
                        IS NOT DISTINCT FROM ({becomes}))
            OR EXISTS (
                SELECT FROM (
                    SELECT purged_by, part.part, recorded_before, part.stubs, max(recorded_at) AS youngest, sha256(
                        convert_to(string_agg(concat_ws(E'\n', position, id, schema_version, aggregate_id,
                            aggregate_version, (extract(epoch FROM recorded_at) * 1000000)::bigint,
                            encode(subjects, 'hex'), octet_length(type), type, octet_length(aggregate_type),
                            aggregate_type, ''), '' ORDER BY position), 'UTF8')) AS digest
                    FROM (SELECT DISTINCT purged_by AS purge FROM becomes) AS purges
                        CROSS JOIN LATERAL purge_parts(purge) AS part
                        RIGHT JOIN becomes ON becomes.purged_by = purge AND part.ranges @> position
                            AND type = ANY (part.types)
                    GROUP BY purged_by, part.part, recorded_before, part.stubs) AS touched
                WHERE part IS NULL OR youngest >= recorded_before OR digest IS DISTINCT FROM stubs)
        THEN
            RAISE EXCEPTION 'the audit log is append-only: % on % refused', TG_OP, TG_TABLE_NAME
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NULL;
    END $$;

    CREATE FUNCTION allow_forgetting() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
    BEGIN
        IF NOT EXISTS (SELECT FROM was) OR EXISTS (
            SELECT FROM was LEFT JOIN events e USING (position) WHERE e.purged_by IS NULL)
        THEN
            RAISE EXCEPTION 'the audit log is append-only: % on % refused', TG_OP, TG_TABLE_NAME
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NULL;
    END $$;

    DROP TRIGGER events_append_only ON events;
    CREATE TRIGGER events_append_only BEFORE DELETE OR TRUNCATE ON events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER events_only_purged AFTER UPDATE ON events REFERENCING OLD TABLE AS was NEW TABLE AS becomes
        FOR EACH STATEMENT EXECUTE FUNCTION allow_purging();
    DROP TRIGGER event_targets_append_only ON event_targets;
    CREATE TRIGGER event_targets_append_only BEFORE UPDATE OR TRUNCATE ON event_targets
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER event_targets_only_forgotten AFTER DELETE ON event_targets REFERENCING OLD TABLE AS was
        FOR EACH STATEMENT EXECUTE FUNCTION allow_forgetting();
    CREATE TRIGGER purges_settled_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON purges_settled
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

_PURGE = """
    CREATE FUNCTION purge_events() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp
    AS $$
    DECLARE
        purge bigint;
        due record;
        positions bigint[];
        whole boolean;
        waiting boolean;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('{schema}.retention'));
        FOR purge IN
            SELECT position FROM events WHERE type = 'audit.purged'
                AND position NOT IN (SELECT s.position FROM purges_settled s) ORDER BY position
        LOOP
            waiting := false;
            FOR due IN SELECT *, lower(ranges) AS low, upper(ranges) - 1 AS high FROM purge_parts(purge) LOOP
                SELECT array_agg(position ORDER BY position), bool_and(purged_by IS NULL) INTO positions, whole
                    FROM unnest(due.ranges) AS r JOIN events ON position >= lower(r) AND position < upper(r);
                CONTINUE WHEN whole IS NOT TRUE OR EXISTS (
                    SELECT FROM held_positions(purge, due.low, due.high) AS held WHERE due.ranges @> held);
                IF EXISTS (
                    SELECT FROM held_positions(9223372036854775807, due.low, due.high) AS held WHERE due.ranges @> held)
                THEN
                    waiting := true;
                    CONTINUE;
                END IF;
                WITH subjects AS (
                    SELECT position, type || ':' || id AS subject FROM event_targets
                    WHERE position BETWEEN due.low AND due.high AND position = ANY (positions)
                        AND type IN ('partner', 'account', 'tenant')
                    UNION SELECT position, 'account:' || actor_subject FROM events
                    WHERE position = ANY (positions) AND actor_type = 'staff'
                ), marks AS (
                    SELECT position, string_agg(mark, '' ORDER BY mark) AS told FROM (
                        SELECT position, substr(sha256(leaf_hash || convert_to(subject, 'UTF8')), 1, 16) AS mark
                        FROM subjects JOIN events USING (position)) AS single
                    GROUP BY position
                )
                UPDATE events e SET purged_by = purge, subjects = coalesce(told, ''), raw = NULL, occurred_at = NULL,
                    actor_type = NULL, actor_issuer = NULL, actor_subject = NULL, command_id = NULL, request_id = NULL,
                    outcome = NULL, reason_code = NULL
                FROM unnest(positions) AS chosen (position) LEFT JOIN marks USING (position)
                WHERE e.position = chosen.position;
                IF EXISTS (SELECT FROM event_targets
                    WHERE position BETWEEN due.low AND due.high AND position = ANY (positions))
                THEN
                    DELETE FROM event_targets
                    WHERE position BETWEEN due.low AND due.high AND position = ANY (positions);
                END IF;
                RETURN cardinality(positions);
            END LOOP;
            IF NOT waiting THEN
                INSERT INTO purges_settled VALUES (purge);
            END IF;
        END LOOP;
        RETURN 0;
    END $$;
    COMMENT ON FUNCTION purge_events IS 'removes the next part that a purge event names; 0 when there is nothing to do';
"""
