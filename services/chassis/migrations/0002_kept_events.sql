-- Events whose exact bytes stay in the outbox for ever: a proof that is handed out later needs them.

ALTER TABLE outbox ADD COLUMN kept boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN outbox.kept IS 'never pruned, since the bytes are evidence';
-- the prune looks every few seconds, and kept rows would make it look longer each year
CREATE INDEX outbox_prunable ON outbox (published_at) WHERE NOT kept;

CREATE FUNCTION refuse_to_drop_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'event % is kept', OLD.event_id USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER outbox_kept BEFORE DELETE ON outbox
    FOR EACH ROW WHEN (OLD.kept) EXECUTE FUNCTION refuse_to_drop_evidence();
