"""Vouchers, the register of signed digests, and what the signer says of its token."""

from alembic import op

revision = "partners_0005"
down_revision = "partners_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE vouchers (
            id uuid PRIMARY KEY,
            -- K15: one voucher an invoice, ever
            invoice_id uuid NOT NULL CONSTRAINT vouchers_one_an_invoice UNIQUE REFERENCES invoices,
            partner_id uuid NOT NULL REFERENCES partners,
            state text NOT NULL CONSTRAINT vouchers_state CHECK (
                state IN ('PREPARED', 'SIGNED', 'UNKNOWN', 'SUBMITTED', 'MINTED', 'FAILED', 'VOIDED')
            ),
            payload bytea NOT NULL,
            digest text NOT NULL CONSTRAINT vouchers_digest_once UNIQUE,
            nonce text NOT NULL CONSTRAINT vouchers_nonce_once UNIQUE,
            manifest bytea NOT NULL,
            approval_id uuid NOT NULL REFERENCES partner_approvals,
            dossier_version integer NOT NULL,
            requested_by_issuer text NOT NULL,
            requested_by text NOT NULL,
            command_id uuid NOT NULL,
            signature bytea,
            signed_at timestamptz,
            tx_hash text,
            void_code text,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            -- the worker's own notes: when to look again, and whether the node may have been told
            tries integer NOT NULL DEFAULT 0,
            next_try_at timestamptz NOT NULL,
            attempted_at timestamptz,
            failure text,
            CONSTRAINT vouchers_digest_of_payload CHECK (digest = encode(sha256(payload), 'hex')),
            CONSTRAINT vouchers_signed_pair CHECK ((signature IS NULL) = (signed_at IS NULL)),
            CONSTRAINT vouchers_signed_before_sent CHECK (state IN ('PREPARED', 'VOIDED') OR signature IS NOT NULL),
            CONSTRAINT vouchers_minted_by_tx CHECK (state <> 'MINTED' OR tx_hash IS NOT NULL),
            CONSTRAINT vouchers_void_says_why CHECK ((state IN ('VOIDED', 'FAILED')) = (void_code IS NOT NULL)),
            CONSTRAINT vouchers_attempted_when_signed CHECK (attempted_at IS NULL OR signature IS NOT NULL)
        );
        CREATE INDEX vouchers_due ON vouchers (next_try_at)
            WHERE state IN ('PREPARED', 'SIGNED', 'UNKNOWN', 'SUBMITTED');

        CREATE TABLE signed_digests (
            digest text PRIMARY KEY,
            invoice_id uuid NOT NULL CONSTRAINT signed_digests_one_an_invoice UNIQUE,
            voucher_id uuid NOT NULL,
            registered_at timestamptz NOT NULL DEFAULT now()
        );
        COMMENT ON TABLE signed_digests IS 'what the token was asked to sign: written before it is asked';
        CREATE TRIGGER signed_digests_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON signed_digests
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

        CREATE TABLE signers (
            instance integer PRIMARY KEY,
            token text NOT NULL,
            problem text,
            seen_at timestamptz NOT NULL
        );

        GRANT SELECT, INSERT, UPDATE ON vouchers, signers TO partners;
        GRANT SELECT, INSERT ON signed_digests TO partners;
    """)
