"""Partners, rosters, append-only dossiers and decisions, reserved uploads."""

from alembic import op

revision = "partners_0001"
down_revision = None
branch_labels = ("partners",)
depends_on = None

STATES = "'PENDING_REVIEW', 'INFO_REQUESTED', 'APPROVED', 'REJECTED', 'SUSPENDED'"
APPEND_ONLY = ("dossiers", "dossier_documents", "partner_approvals")


def upgrade() -> None:
    op.execute(f"""
        CREATE TABLE uploads (
            id uuid PRIMARY KEY,
            object_key text NOT NULL CONSTRAINT uploads_key_once UNIQUE,
            partner_id uuid NOT NULL,
            document text NOT NULL CONSTRAINT uploads_document CHECK (document IN ('kyb', 'licensing')),
            content_type text NOT NULL,
            size bigint NOT NULL CONSTRAINT uploads_not_empty CHECK (size > 0),
            sha256 text NOT NULL CONSTRAINT uploads_sha256 CHECK (sha256 ~ '^[0-9a-f]{{64}}$'),
            issuer text NOT NULL,
            subject text NOT NULL,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL
        );
        CREATE INDEX uploads_by_partner ON uploads (partner_id, created_at);

        CREATE TABLE partners (
            id uuid PRIMARY KEY,
            state text NOT NULL CONSTRAINT partners_state CHECK (state IN ({STATES})),
            name text NOT NULL,
            legal_name text NOT NULL,
            dossier_version integer NOT NULL CONSTRAINT partners_has_dossier CHECK (dossier_version > 0),
            approved_at timestamptz,
            approved_by text,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            version integer NOT NULL CONSTRAINT partners_version CHECK (version > 0),
            -- an approval is in force exactly while the state says so
            CONSTRAINT partners_approved_while_approved CHECK (
                (state = 'APPROVED') = (approved_at IS NOT NULL AND approved_by IS NOT NULL)
                AND (approved_at IS NULL) = (approved_by IS NULL)
            )
        );
        CREATE INDEX partners_by_state ON partners (state, id);

        CREATE TABLE partner_contacts (
            partner_id uuid NOT NULL REFERENCES partners,
            position smallint NOT NULL,
            name text NOT NULL,
            email text NOT NULL,
            phone text NOT NULL CONSTRAINT partner_contacts_e164 CHECK (phone ~ '^[+][1-9][0-9]{{6,14}}$'),
            role text NOT NULL,
            issuer text COLLATE "C" NOT NULL,
            subject text COLLATE "C" NOT NULL,
            status text NOT NULL CONSTRAINT partner_contacts_status CHECK (status IN ('ACTIVE', 'REMOVED')),
            added_at timestamptz NOT NULL,
            removed_at timestamptz,
            PRIMARY KEY (partner_id, position),
            CONSTRAINT partner_contacts_removed_once CHECK ((status = 'REMOVED') = (removed_at IS NOT NULL))
        );
        -- S1.12: nobody acts for two partners
        CREATE UNIQUE INDEX partner_contacts_subject_once ON partner_contacts (issuer, subject)
            WHERE status = 'ACTIVE';

        CREATE TABLE dossiers (
            partner_id uuid NOT NULL REFERENCES partners,
            version integer NOT NULL CONSTRAINT dossiers_version CHECK (version > 0),
            filed_by text NOT NULL,
            filed_at timestamptz NOT NULL,
            PRIMARY KEY (partner_id, version)
        );

        CREATE TABLE dossier_documents (
            partner_id uuid NOT NULL,
            dossier_version integer NOT NULL,
            kind text NOT NULL,
            object_key text NOT NULL,
            size bigint NOT NULL CONSTRAINT dossier_documents_not_empty CHECK (size > 0),
            sha256 text NOT NULL,
            version_id text NOT NULL,
            uploaded_by_issuer text NOT NULL,
            uploaded_by text NOT NULL,
            uploaded_at timestamptz NOT NULL,
            PRIMARY KEY (partner_id, dossier_version, kind),
            FOREIGN KEY (partner_id, dossier_version) REFERENCES dossiers
        );

        CREATE TABLE partner_approvals (
            id uuid PRIMARY KEY,
            partner_id uuid NOT NULL,
            decision text NOT NULL CONSTRAINT partner_approvals_decision
                CHECK (decision IN ('APPROVED', 'REJECTED', 'INFO_REQUESTED', 'SUSPENDED', 'REINSTATED')),
            notes text NOT NULL
                CONSTRAINT partner_approvals_notes CHECK (char_length(notes) BETWEEN 10 AND 1024),
            internal_notes text,
            reason_code text,
            dossier_version integer NOT NULL,
            decided_by_issuer text NOT NULL,
            decided_by text NOT NULL,
            decided_at timestamptz NOT NULL,
            -- K6: a decision names a dossier version that exists
            FOREIGN KEY (partner_id, dossier_version) REFERENCES dossiers
        );
        CREATE INDEX partner_approvals_by_partner ON partner_approvals (partner_id, decided_at);

        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
        END $$;
    """)
    for table in APPEND_ONLY:
        op.execute(f"""
            CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
                FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
            GRANT SELECT, INSERT ON {table} TO partners;
        """)
    op.execute("GRANT SELECT, INSERT ON uploads TO partners")
    op.execute("GRANT SELECT, INSERT, UPDATE ON partners, partner_contacts TO partners")
