"""Dossier updates, re-reviews, two approvers, removed contacts, changes of the allowlist."""

from alembic import op

revision = "partners_0002"
down_revision = "partners_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE uploads DROP CONSTRAINT uploads_document,
            ADD CONSTRAINT uploads_document CHECK (document IN ('kyb', 'licensing', 'receipt'));

        ALTER TABLE partners
            ADD approved_dossier_version integer,
            ADD rereview_due_at timestamptz,
            ADD rejected_final boolean NOT NULL DEFAULT false,
            ADD fields_requested jsonb NOT NULL DEFAULT '[]';
        UPDATE partners p SET approved_dossier_version = (
            SELECT a.dossier_version FROM partner_approvals a
            WHERE a.partner_id = p.id AND a.decision = 'APPROVED' ORDER BY a.decided_at DESC LIMIT 1
        ) WHERE state = 'APPROVED';
        ALTER TABLE partners
            -- deferred: a partner that is filed and approved in one batch is written before its dossier
            ADD CONSTRAINT partners_approved_dossier FOREIGN KEY (id, approved_dossier_version)
                REFERENCES dossiers (partner_id, version) DEFERRABLE INITIALLY DEFERRED,
            -- an approval in force names what was reviewed (S1.47)
            ADD CONSTRAINT partners_approval_names_dossier
                CHECK ((state = 'APPROVED') = (approved_dossier_version IS NOT NULL)),
            ADD CONSTRAINT partners_rereview_while_approved CHECK (rereview_due_at IS NULL OR state = 'APPROVED'),
            ADD CONSTRAINT partners_final_when_rejected CHECK (NOT rejected_final OR state = 'REJECTED'),
            ADD CONSTRAINT partners_asks_while_it_waits
                CHECK ((state = 'INFO_REQUESTED') = (jsonb_array_length(fields_requested) > 0));

        ALTER TABLE dossiers
            ADD filed_by_issuer text NOT NULL DEFAULT '',
            ADD roster jsonb NOT NULL DEFAULT '[]';

        ALTER TABLE partner_approvals
            ADD evidence jsonb NOT NULL DEFAULT '[]',
            ADD fields jsonb NOT NULL DEFAULT '[]',
            ADD proposed_by_issuer text,
            ADD proposed_by text,
            -- K7: the second approver is somebody else
            ADD CONSTRAINT partner_approvals_two_people CHECK (
                (proposed_by IS NULL) = (proposed_by_issuer IS NULL)
                AND (proposed_by_issuer, proposed_by) IS DISTINCT FROM (decided_by_issuer, decided_by)
            );

        CREATE TABLE approval_proposals (
            id uuid PRIMARY KEY,
            partner_id uuid NOT NULL,
            verdict text NOT NULL CONSTRAINT approval_proposals_verdict CHECK (verdict IN ('APPROVED', 'REINSTATED')),
            dossier_version integer NOT NULL,
            notes text NOT NULL
                CONSTRAINT approval_proposals_notes CHECK (char_length(notes) BETWEEN 10 AND 1024),
            internal_notes text,
            reason_code text,
            evidence jsonb NOT NULL DEFAULT '[]',
            proposed_by_issuer text NOT NULL,
            proposed_by text NOT NULL,
            proposed_at timestamptz NOT NULL,
            closed_at timestamptz,
            closed_as text CONSTRAINT approval_proposals_closed_as CHECK (closed_as IN ('TAKEN', 'LAPSED')),
            CONSTRAINT approval_proposals_closed_once CHECK ((closed_at IS NULL) = (closed_as IS NULL)),
            FOREIGN KEY (partner_id, dossier_version) REFERENCES dossiers
        );
        -- one open proposal a partner: the next agreement decides
        CREATE UNIQUE INDEX approval_proposals_one_open ON approval_proposals (partner_id) WHERE closed_at IS NULL;

        CREATE TABLE deactivations (
            partner_id uuid NOT NULL REFERENCES partners,
            issuer text COLLATE "C" NOT NULL,
            subject text COLLATE "C" NOT NULL,
            removed_at timestamptz NOT NULL,
            status text NOT NULL DEFAULT 'pending'
                CONSTRAINT deactivations_status CHECK (status IN ('pending', 'done', 'cancelled')),
            tries integer NOT NULL DEFAULT 0,
            next_try_at timestamptz NOT NULL,
            failure text,
            settled_at timestamptz,
            PRIMARY KEY (partner_id, issuer, subject, removed_at),
            CONSTRAINT deactivations_settled_once CHECK ((status = 'pending') = (settled_at IS NULL))
        );
        CREATE INDEX deactivations_due ON deactivations (next_try_at) WHERE status = 'pending';
        CREATE INDEX deactivations_waiting ON deactivations (issuer, subject) WHERE status = 'pending';
        -- every stay of a person has a row of its own, so a roster that changes often has many
        ALTER TABLE partner_contacts ALTER position TYPE integer;
        CREATE INDEX partner_contacts_by_subject ON partner_contacts (issuer, subject);

        CREATE TABLE root_admins (
            id uuid PRIMARY KEY,
            version integer NOT NULL CONSTRAINT root_admins_version CHECK (version > 0),
            subjects jsonb NOT NULL
        );

        GRANT SELECT, INSERT ON approval_proposals TO partners;
        GRANT UPDATE (closed_at, closed_as) ON approval_proposals TO partners;
        GRANT SELECT, INSERT, UPDATE ON deactivations, root_admins TO partners;
    """)
