"""The clocks of reviews, and pages to root admins with what became of sending them."""

from alembic import op

revision = "partners_0003"
down_revision = "partners_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE reviews (
            partner_id uuid NOT NULL REFERENCES partners,
            round integer NOT NULL CONSTRAINT reviews_round CHECK (round > 0),
            opened_at timestamptz NOT NULL,
            used_seconds integer NOT NULL CONSTRAINT reviews_used CHECK (used_seconds >= 0),
            running_since timestamptz,
            warn_at timestamptz,
            due_at timestamptz,
            warned_at timestamptz,
            breached_at timestamptz,
            closed_at timestamptz,
            PRIMARY KEY (partner_id, round),
            -- moments are known exactly while the clock runs
            CONSTRAINT reviews_due_while_running CHECK (
                (running_since IS NULL) = (due_at IS NULL) AND (running_since IS NULL) = (warn_at IS NULL)
            ),
            CONSTRAINT reviews_warned_before_due CHECK (warn_at <= due_at AND running_since <= warn_at),
            CONSTRAINT reviews_closed_stands_still CHECK (closed_at IS NULL OR running_since IS NULL)
        );
        -- a partner has one review at a time
        CREATE UNIQUE INDEX reviews_one_open ON reviews (partner_id) WHERE closed_at IS NULL;
        CREATE INDEX reviews_to_warn ON reviews (warn_at) WHERE warned_at IS NULL;
        CREATE INDEX reviews_to_breach ON reviews (due_at) WHERE breached_at IS NULL;

        CREATE TABLE pages (
            id uuid PRIMARY KEY,
            version integer NOT NULL CONSTRAINT pages_version CHECK (version > 0),
            partner_id uuid NOT NULL,
            dossier_version integer NOT NULL,
            state text NOT NULL CONSTRAINT pages_state CHECK (state IN ('OPEN', 'ACKNOWLEDGED', 'RESOLVED')),
            level smallint NOT NULL CONSTRAINT pages_level CHECK (level > 0),
            raised_at timestamptz NOT NULL,
            escalate_at timestamptz,
            acknowledged_at timestamptz,
            acknowledged_by_issuer text COLLATE "C",
            acknowledged_by text COLLATE "C",
            resolved_at timestamptz,
            -- S1.37: once a version
            CONSTRAINT pages_once_a_version UNIQUE (partner_id, dossier_version),
            FOREIGN KEY (partner_id, dossier_version) REFERENCES dossiers,
            CONSTRAINT pages_acknowledged_by_somebody CHECK (
                (acknowledged_at IS NULL) = (acknowledged_by IS NULL)
                AND (acknowledged_at IS NULL) = (acknowledged_by_issuer IS NULL)
            ),
            CONSTRAINT pages_open_until_somebody_looks CHECK (
                state = 'RESOLVED' OR (state = 'ACKNOWLEDGED') = (acknowledged_at IS NOT NULL)
            ),
            CONSTRAINT pages_resolved_once CHECK ((state = 'RESOLVED') = (resolved_at IS NOT NULL)),
            CONSTRAINT pages_escalate_while_open CHECK (escalate_at IS NULL OR state = 'OPEN')
        );
        CREATE INDEX pages_by_state ON pages (state, id);
        CREATE INDEX pages_to_escalate ON pages (escalate_at) WHERE escalate_at IS NOT NULL;

        CREATE TABLE page_deliveries (
            page_id uuid NOT NULL REFERENCES pages,
            level smallint NOT NULL,
            status text NOT NULL
                CONSTRAINT page_deliveries_status CHECK (status IN ('queued', 'sent', 'failed', 'cancelled')),
            tries integer NOT NULL DEFAULT 0,
            next_try_at timestamptz NOT NULL,
            failure text,
            sent_at timestamptz,
            -- one message to each level of a page
            PRIMARY KEY (page_id, level),
            CONSTRAINT page_deliveries_sent_once CHECK ((status = 'sent') = (sent_at IS NOT NULL)),
            CONSTRAINT page_deliveries_failed_why CHECK (status <> 'failed' OR failure IS NOT NULL)
        );
        CREATE INDEX page_deliveries_due ON page_deliveries (next_try_at) WHERE status IN ('queued', 'failed');

        GRANT SELECT, INSERT, UPDATE ON reviews, pages, page_deliveries TO partners;
    """)
