"""Legal holds, keys of people, contacts that are erased."""

from alembic import op

revision = "partners_0007"
down_revision = "partners_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(HOLDS)
    op.execute(KEYS)
    op.execute(CONTACTS)
    op.execute(DOSSIERS)


HOLDS = "ALTER TABLE partners ADD held_at timestamptz"

KEYS = """
    CREATE TABLE person_keys (
        person_id uuid PRIMARY KEY,
        wrapped bytea NOT NULL CONSTRAINT person_keys_wrapped CHECK (octet_length(wrapped) = 60),
        created_at timestamptz NOT NULL DEFAULT now()
    );
    COMMENT ON TABLE person_keys IS 'what events seal of a person opens with this row alone: deleted, it is gone';
    GRANT SELECT, INSERT, DELETE ON person_keys TO partners;
"""

CONTACTS = """
    ALTER TABLE partner_contacts ADD person_id uuid, ADD erased_at timestamptz;
    UPDATE partner_contacts c SET person_id = p.id
    FROM (SELECT partner_id, issuer, subject, gen_random_uuid() AS id FROM partner_contacts GROUP BY 1, 2, 3) p
    WHERE (c.partner_id, c.issuer, c.subject) = (p.partner_id, p.issuer, p.subject);
    ALTER TABLE partner_contacts
        ALTER person_id SET NOT NULL,
        DROP CONSTRAINT partner_contacts_e164,
        ADD CONSTRAINT partner_contacts_e164 CHECK (erased_at IS NOT NULL OR phone ~ '^[+][1-9][0-9]{6,14}$'),
        -- who is erased has left
        ADD CONSTRAINT partner_contacts_erased_after_removal CHECK (erased_at IS NULL OR status = 'REMOVED');
    CREATE INDEX partner_contacts_by_person ON partner_contacts (person_id);
"""

# Dossiers stay append-only, with one exception that can only take away: name, mail and phone of people in the roster.
DOSSIERS = """
    CREATE FUNCTION refuse_change_but_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF jsonb_array_length(NEW.roster) = jsonb_array_length(OLD.roster)
            AND NOT EXISTS (
                SELECT FROM jsonb_array_elements(OLD.roster) WITH ORDINALITY AS o(contact, n)
                JOIN jsonb_array_elements(NEW.roster) WITH ORDINALITY AS e(contact, n) USING (n)
                WHERE e.contact NOT IN (
                    o.contact,
                    o.contact || '{"name": "[erased]", "email": "[erased]", "phone": "[erased]"}'
                )
            )
        THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'dossiers is append-only' USING ERRCODE = 'insufficient_privilege';
    END $$;
    DROP TRIGGER dossiers_append_only ON dossiers;
    CREATE TRIGGER dossiers_append_only
        BEFORE DELETE OR TRUNCATE OR UPDATE OF partner_id, version, filed_by_issuer, filed_by, filed_at ON dossiers
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER dossiers_only_erased BEFORE UPDATE ON dossiers
        FOR EACH ROW EXECUTE FUNCTION refuse_change_but_erasure();
    GRANT UPDATE (roster) ON dossiers TO partners;
"""
