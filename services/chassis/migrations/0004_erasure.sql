-- Stored answers say whom they are about, so that an erasure finds them; dead letters can lose what they hold.

ALTER TABLE replies ADD about uuid;
COMMENT ON COLUMN replies.about IS 'the person or partner whose personal data the body holds';
-- read as json and not as jsonb: a body may hold the one character that jsonb refuses
UPDATE replies SET about = (COALESCE(
    convert_from(body, 'UTF8')::json ->> 'account_id',
    convert_from(body, 'UTF8')::json -> 'existing' ->> 'account_id',
    CASE WHEN convert_from(body, 'UTF8')::json -> 'contacts' IS NOT NULL
         THEN convert_from(body, 'UTF8')::json ->> 'id' END
))::uuid WHERE substring(body FOR 1) = '{';
CREATE INDEX replies_about ON replies (about) WHERE about IS NOT NULL;
GRANT UPDATE (body) ON replies TO :role;
GRANT UPDATE (key, value, headers) ON dead_letters TO :role;
