-- Who waits for an answer that comes later.

CREATE TABLE waiting (
    message_id uuid PRIMARY KEY,
    key uuid NOT NULL,
    command_id uuid NOT NULL,
    request_id text NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    body_sha256 bytea NOT NULL,
    reply_partition smallint NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX waiting_by_key ON waiting (key);
GRANT SELECT, INSERT, DELETE ON waiting TO :role;
