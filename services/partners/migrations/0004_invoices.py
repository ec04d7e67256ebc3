"""Invoices of approved partners, and what of each day's caps is used up."""

from alembic import op

revision = "partners_0004"
down_revision = "partners_0003"
branch_labels = None
depends_on = None

STATES = "'CREATED', 'RECEIPT_UPLOADED', 'APPROVED', 'SIGNING', 'SUBMITTED', 'MINTED', 'REJECTED', 'EXPIRED', 'FAILED'"
UNSIGNED = "'CREATED', 'RECEIPT_UPLOADED', 'APPROVED'"
FROM_APPROVAL = "'APPROVED', 'SIGNING', 'SUBMITTED', 'MINTED', 'FAILED'"
ENDED_EARLY = "'REJECTED', 'EXPIRED', 'FAILED'"
RECEIPT = (
    "receipt_object_key, receipt_size, receipt_sha256, receipt_version_id,"
    " receipt_uploaded_by_issuer, receipt_uploaded_by, receipt_uploaded_at"
)


def upgrade() -> None:
    op.execute(f"""
        CREATE TABLE invoices (
            id uuid PRIMARY KEY,
            partner_id uuid NOT NULL REFERENCES partners,
            version integer NOT NULL CONSTRAINT invoices_version CHECK (version > 0),
            state text NOT NULL CONSTRAINT invoices_state CHECK (state IN ({STATES})),
            amount numeric(24, 4) NOT NULL CONSTRAINT invoices_amount CHECK (amount > 0),
            currency text NOT NULL CONSTRAINT invoices_currency CHECK (currency ~ '^[A-Z]{{3}}$'),
            recipient text NOT NULL CONSTRAINT invoices_recipient CHECK (recipient ~ '^0x[0-9A-Fa-f]{{40}}$'),
            reference text NOT NULL,
            created_by_issuer text COLLATE "C" NOT NULL,
            created_by text COLLATE "C" NOT NULL,
            approved_by_issuer text COLLATE "C",
            approved_by text COLLATE "C",
            receipt_object_key text,
            receipt_size bigint CONSTRAINT invoices_receipt_not_empty CHECK (receipt_size > 0),
            receipt_sha256 text CONSTRAINT invoices_receipt_sha256 CHECK (receipt_sha256 ~ '^[0-9a-f]{{64}}$'),
            receipt_version_id text,
            receipt_uploaded_by_issuer text COLLATE "C",
            receipt_uploaded_by text COLLATE "C",
            receipt_uploaded_at timestamptz,
            reason_code text,
            expires_at timestamptz NOT NULL,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            -- a receipt is whole or not there
            CONSTRAINT invoices_receipt_whole CHECK (num_nulls({RECEIPT}) IN (0, 7)),
            -- nothing goes on without a proof of payment
            CONSTRAINT invoices_receipt_before_approval CHECK (
                CASE WHEN state IN ('RECEIPT_UPLOADED', {FROM_APPROVAL}) THEN receipt_object_key IS NOT NULL
                     WHEN state = 'CREATED' THEN receipt_object_key IS NULL ELSE true END
            ),
            CONSTRAINT invoices_approved_by_a_person CHECK ((approved_by IS NULL) = (approved_by_issuer IS NULL)),
            CONSTRAINT invoices_approved_from_approval_on CHECK (
                CASE WHEN state IN ({FROM_APPROVAL}) THEN approved_by IS NOT NULL
                     WHEN state IN ('CREATED', 'RECEIPT_UPLOADED') THEN approved_by IS NULL ELSE true END
            ),
            CONSTRAINT invoices_approved_with_receipt CHECK (approved_by IS NULL OR receipt_object_key IS NOT NULL),
            -- maker and checker are two people, and so are uploader and checker
            CONSTRAINT invoices_approver_is_not_creator CHECK (
                approved_by IS NULL OR (approved_by_issuer, approved_by) <> (created_by_issuer, created_by)
            ),
            CONSTRAINT invoices_approver_is_not_uploader CHECK (
                approved_by IS NULL OR (approved_by_issuer, approved_by)
                    IS DISTINCT FROM (receipt_uploaded_by_issuer, receipt_uploaded_by)
            ),
            CONSTRAINT invoices_reason_when_ended_early CHECK ((state IN ({ENDED_EARLY})) = (reason_code IS NOT NULL)),
            CONSTRAINT invoices_have_time CHECK (expires_at > created_at),
            CONSTRAINT invoices_move_forward CHECK (updated_at >= created_at)
        );
        -- one proof of payment backs one invoice
        CREATE UNIQUE INDEX invoices_receipt_once ON invoices (receipt_object_key)
            WHERE receipt_object_key IS NOT NULL;
        CREATE INDEX invoices_by_partner ON invoices (partner_id, id);
        CREATE INDEX invoices_by_state ON invoices (state, id);
        CREATE INDEX invoices_due ON invoices (expires_at, id) WHERE state IN ({UNSIGNED});

        CREATE TABLE cap_usage (
            scope text COLLATE "C" NOT NULL
                CONSTRAINT cap_usage_scope CHECK (scope ~ '^(partner:[0-9a-f-]{{36}}|region:[A-Z_]+)$'),
            day date NOT NULL,
            currency text COLLATE "C" NOT NULL,
            used numeric(24, 4) NOT NULL CONSTRAINT cap_usage_used CHECK (used >= 0),
            PRIMARY KEY (scope, day, currency)
        );

        -- K24: partner, amount, currency, recipient and creator are written once; the role cannot change them
        GRANT SELECT, INSERT ON invoices TO partners;
        GRANT UPDATE (version, state, approved_by_issuer, approved_by, {RECEIPT}, reason_code, updated_at)
            ON invoices TO partners;
        GRANT SELECT, INSERT ON cap_usage TO partners;
        GRANT UPDATE (used) ON cap_usage TO partners;
    """)
