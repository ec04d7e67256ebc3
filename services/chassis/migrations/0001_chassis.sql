-- Inbox, stored replies, outbox and dead letters: one set in each service's schema.

CREATE TABLE inbox (
    message_id uuid PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN inbox.message_id IS 'one row for each message that took effect or was refused';
CREATE TABLE replies (
    message_id uuid PRIMARY KEY,
    command_id uuid NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    body_sha256 bytea NOT NULL,
    binding boolean NOT NULL,
    status smallint NOT NULL,
    etag text,
    location text,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX replies_one_answer_a_command ON replies (command_id) WHERE binding;
CREATE INDEX replies_by_command ON replies (command_id);
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition smallint NOT NULL,
    topic text NOT NULL,
    event_id uuid NOT NULL,
    aggregate_id uuid NOT NULL,
    version integer NOT NULL,
    schema_version smallint NOT NULL,
    traceparent text,
    value bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    CONSTRAINT outbox_version_once UNIQUE (aggregate_id, version)
);
CREATE INDEX outbox_unpublished ON outbox (partition, id) WHERE published_at IS NULL;
CREATE TABLE dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    partition integer NOT NULL,
    position bigint NOT NULL,
    key bytea,
    value bytea,
    headers jsonb NOT NULL,
    error text NOT NULL,
    tries smallint NOT NULL,
    traceparent text,
    created_at timestamptz NOT NULL DEFAULT now(),
    replayed_at timestamptz,
    CONSTRAINT dead_letters_record_once UNIQUE (topic, partition, position)
);
COMMENT ON COLUMN dead_letters.position IS 'the record''s Kafka offset';
COMMENT ON COLUMN dead_letters.headers IS '[[name, base64 of the value]], in order';

GRANT SELECT, INSERT, DELETE ON inbox, replies, outbox TO :role;
GRANT UPDATE (published_at) ON outbox TO :role;
GRANT SELECT, INSERT, UPDATE (replayed_at) ON dead_letters TO :role;
