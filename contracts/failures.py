"""Every failure code, once: its status, its title, whether a retry can help.

422 the request is wrong in itself · 409 right but the state forbids it · 403 this caller or partner may not ·
404 not there or not yours · 412/428 version · 503 a dependency, retry. A code is a promise to users and stays.
"""

from enum import StrEnum
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict


class Code(StrEnum):
    AUTH_REQUIRED = "AUTH_REQUIRED"
    TOKEN_INVALID = "TOKEN_INVALID"
    ROLE_REQUIRED = "ROLE_REQUIRED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    ROOT_ADMIN_REQUIRED = "ROOT_ADMIN_REQUIRED"
    ROUTE_NOT_REGISTERED = "ROUTE_NOT_REGISTERED"
    NOT_FOUND = "NOT_FOUND"
    MALFORMED_JSON = "MALFORMED_JSON"
    VALIDATION_FAILED = "VALIDATION_FAILED"
    CURSOR_INVALID = "CURSOR_INVALID"
    PRECONDITION_REQUIRED = "PRECONDITION_REQUIRED"
    PRECONDITION_FAILED = "PRECONDITION_FAILED"
    IDEMPOTENCY_KEY_REQUIRED = "IDEMPOTENCY_KEY_REQUIRED"
    IDEMPOTENCY_KEY_INVALID = "IDEMPOTENCY_KEY_INVALID"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    IDEMPOTENCY_IN_PROGRESS = "IDEMPOTENCY_IN_PROGRESS"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    RATE_LIMITED = "RATE_LIMITED"
    DEPENDENCY_UNAVAILABLE = "DEPENDENCY_UNAVAILABLE"
    INTERNAL = "INTERNAL"

    SUBMITTER_NOT_IN_ROSTER = "SUBMITTER_NOT_IN_ROSTER"
    DUPLICATE_SUBJECT = "DUPLICATE_SUBJECT"
    SUBJECT_ALREADY_REGISTERED = "SUBJECT_ALREADY_REGISTERED"
    DOSSIER_KEY_FORMAT = "DOSSIER_KEY_FORMAT"
    DOSSIER_OBJECT_NOT_FOUND = "DOSSIER_OBJECT_NOT_FOUND"
    DOSSIER_KEY_FORBIDDEN = "DOSSIER_KEY_FORBIDDEN"
    DOSSIER_CHANGED = "DOSSIER_CHANGED"
    NOTES_REQUIRED = "NOTES_REQUIRED"
    REASON_CODE_INVALID = "REASON_CODE_INVALID"
    EVIDENCE_REF_INVALID = "EVIDENCE_REF_INVALID"
    DOSSIER_EMPTY = "DOSSIER_EMPTY"
    DOSSIER_EXPIRED = "DOSSIER_EXPIRED"
    NOT_PARTNER_CONTACT = "NOT_PARTNER_CONTACT"
    CONTACT_REMOVED = "CONTACT_REMOVED"
    LAST_CONTACT = "LAST_CONTACT"
    EVIDENCE_TAMPERED = "EVIDENCE_TAMPERED"
    PARTNER_REJECTED_FINAL = "PARTNER_REJECTED_FINAL"
    PARTNER_NOT_APPROVED = "PARTNER_NOT_APPROVED"
    PARTNER_STATE_INVALID = "PARTNER_STATE_INVALID"
    MAKER_CHECKER_VIOLATION = "MAKER_CHECKER_VIOLATION"

    INVOICE_STATE_INVALID = "INVOICE_STATE_INVALID"
    INVOICE_LIMIT_EXCEEDED = "INVOICE_LIMIT_EXCEEDED"
    BRANCH_CAP_EXCEEDED = "BRANCH_CAP_EXCEEDED"
    REGION_CAP_EXCEEDED = "REGION_CAP_EXCEEDED"
    AMOUNT_INVALID = "AMOUNT_INVALID"
    TOKEN_UNSUPPORTED = "TOKEN_UNSUPPORTED"
    RECIPIENT_INVALID = "RECIPIENT_INVALID"
    RECIPIENT_NOT_APPROVED = "RECIPIENT_NOT_APPROVED"
    PROVIDER_TX_ID_REUSED = "PROVIDER_TX_ID_REUSED"
    VOUCHER_EXPIRED = "VOUCHER_EXPIRED"
    VOUCHER_OUTCOME_UNKNOWN = "VOUCHER_OUTCOME_UNKNOWN"
    HSM_UNAVAILABLE = "HSM_UNAVAILABLE"
    SIGNING_DISABLED = "SIGNING_DISABLED"
    HSM_SIGN_FAILED = "HSM_SIGN_FAILED"
    SWAP_RPC_FAILED = "SWAP_RPC_FAILED"

    TENANT_NOT_ACTIVE = "TENANT_NOT_ACTIVE"
    BRANCH_NOT_ACTIVE = "BRANCH_NOT_ACTIVE"
    BRANCH_NOT_FOUND = "BRANCH_NOT_FOUND"
    BRANCH_REQUIRED = "BRANCH_REQUIRED"
    DISPLAY_NAME_INVALID = "DISPLAY_NAME_INVALID"
    PHONE_INVALID = "PHONE_INVALID"
    ROLE_KEY_INVALID = "ROLE_KEY_INVALID"
    STAFF_ALREADY_EXISTS = "STAFF_ALREADY_EXISTS"
    CANNOT_DEMOTE_OWNER_ROLE = "CANNOT_DEMOTE_OWNER_ROLE"
    ROLE_CEILING_EXCEEDED = "ROLE_CEILING_EXCEEDED"
    OTP_INVALID = "OTP_INVALID"
    OTP_ATTEMPTS_EXCEEDED = "OTP_ATTEMPTS_EXCEEDED"
    OTP_COOLDOWN = "OTP_COOLDOWN"
    OTP_RATE_LIMIT = "OTP_RATE_LIMIT"
    PASSWORD_POLICY = "PASSWORD_POLICY"
    BRANCH_CONTEXT_REQUIRED = "BRANCH_CONTEXT_REQUIRED"
    NO_BRANCH_ACCESS = "NO_BRANCH_ACCESS"
    NO_BRANCH_ASSIGNMENT = "NO_BRANCH_ASSIGNMENT"
    BRANCH_ACCESS_REVOKED = "BRANCH_ACCESS_REVOKED"
    BRANCH_FROZEN = "BRANCH_FROZEN"
    TENANT_HAS_NO_BRANCHES = "TENANT_HAS_NO_BRANCHES"
    MEMBER_REVOKED = "MEMBER_REVOKED"
    CANNOT_REMOVE_LAST_OWNER = "CANNOT_REMOVE_LAST_OWNER"
    ROLE_IN_USE = "ROLE_IN_USE"
    NO_MEMBERSHIP = "NO_MEMBERSHIP"
    MEMBERSHIP_NOT_ACTIVE = "MEMBERSHIP_NOT_ACTIVE"
    ACCESS_CHANGED = "ACCESS_CHANGED"
    ACCOUNT_DISABLED = "ACCOUNT_DISABLED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"

    AUDIT_RANGE_INVALID = "AUDIT_RANGE_INVALID"
    EXPORT_TOO_LARGE = "EXPORT_TOO_LARGE"
    EXPORT_NOT_READY = "EXPORT_NOT_READY"
    EXPORT_EXPIRED = "EXPORT_EXPIRED"
    LEGAL_HOLD = "LEGAL_HOLD"
    PERSON_STILL_ACTIVE = "PERSON_STILL_ACTIVE"


class Entry(NamedTuple):
    status: int
    title: str
    retryable: bool = False


FAILURES: dict[Code, Entry] = {
    Code.AUTH_REQUIRED: Entry(401, "A bearer token is required"),
    Code.TOKEN_INVALID: Entry(401, "The token is not valid"),
    Code.ROLE_REQUIRED: Entry(403, "The token lacks the role for this action"),
    Code.PERMISSION_DENIED: Entry(403, "You may not do this"),
    Code.ROOT_ADMIN_REQUIRED: Entry(403, "Only an allowlisted root admin may do this"),
    Code.ROUTE_NOT_REGISTERED: Entry(403, "No such route is open"),
    Code.NOT_FOUND: Entry(404, "Not found"),
    Code.MALFORMED_JSON: Entry(400, "The body is not JSON"),
    Code.VALIDATION_FAILED: Entry(422, "The request does not fit its schema"),
    Code.CURSOR_INVALID: Entry(400, "The cursor is not valid"),
    Code.PRECONDITION_REQUIRED: Entry(428, "If-Match is required"),
    Code.PRECONDITION_FAILED: Entry(412, "The resource has changed since it was read"),
    Code.IDEMPOTENCY_KEY_REQUIRED: Entry(400, "Idempotency-Key is required"),
    Code.IDEMPOTENCY_KEY_INVALID: Entry(400, "Idempotency-Key must have 1 to 255 visible characters"),
    Code.IDEMPOTENCY_KEY_REUSED: Entry(422, "This Idempotency-Key was used for another request"),
    Code.IDEMPOTENCY_IN_PROGRESS: Entry(409, "The first request with this Idempotency-Key still runs", True),
    Code.PAYLOAD_TOO_LARGE: Entry(413, "The body is too large"),
    Code.RATE_LIMITED: Entry(429, "Too many calls", True),
    Code.DEPENDENCY_UNAVAILABLE: Entry(503, "A dependency is away; nothing was changed", True),
    Code.INTERNAL: Entry(500, "Something went wrong on our side"),
    Code.SUBMITTER_NOT_IN_ROSTER: Entry(422, "The submitter must be one of the contacts"),
    Code.DUPLICATE_SUBJECT: Entry(422, "A subject stands twice in the roster"),
    Code.SUBJECT_ALREADY_REGISTERED: Entry(409, "A subject of the roster is already registered"),
    Code.DOSSIER_KEY_FORMAT: Entry(422, "The object key was not issued by an upload"),
    Code.DOSSIER_OBJECT_NOT_FOUND: Entry(422, "The document is not in the store"),
    Code.DOSSIER_KEY_FORBIDDEN: Entry(403, "The object key belongs to another partner"),
    Code.DOSSIER_CHANGED: Entry(409, "The dossier changed since it was reviewed"),
    Code.NOTES_REQUIRED: Entry(422, "Notes of 10 to 1024 characters are required"),
    Code.REASON_CODE_INVALID: Entry(422, "The reason code does not fit this decision"),
    Code.EVIDENCE_REF_INVALID: Entry(422, "The evidence is not part of the reviewed dossier"),
    Code.DOSSIER_EMPTY: Entry(422, "A dossier needs a document or a roster"),
    Code.DOSSIER_EXPIRED: Entry(403, "A document or its review is out of date"),
    Code.NOT_PARTNER_CONTACT: Entry(403, "Only a contact of a partner may do this"),
    Code.CONTACT_REMOVED: Entry(403, "This contact was removed from the roster"),
    Code.LAST_CONTACT: Entry(409, "The last contact can't be removed"),
    Code.EVIDENCE_TAMPERED: Entry(409, "A document differs from the one that was reviewed"),
    Code.PARTNER_REJECTED_FINAL: Entry(409, "The rejection is final"),
    Code.PARTNER_NOT_APPROVED: Entry(403, "The partner is not approved"),
    Code.PARTNER_STATE_INVALID: Entry(409, "The partner's state does not allow this"),
    Code.MAKER_CHECKER_VIOLATION: Entry(403, "Nobody decides on their own partner"),
    Code.INVOICE_STATE_INVALID: Entry(409, "The invoice's state does not allow this"),
    Code.INVOICE_LIMIT_EXCEEDED: Entry(422, "The amount is above the limit for one invoice"),
    Code.BRANCH_CAP_EXCEEDED: Entry(409, "The partner's cap for the day is reached"),
    Code.REGION_CAP_EXCEEDED: Entry(409, "The region's cap for the day is reached"),
    Code.AMOUNT_INVALID: Entry(422, "The amount is not valid in this currency"),
    Code.TOKEN_UNSUPPORTED: Entry(422, "The currency is not supported"),
    Code.RECIPIENT_INVALID: Entry(422, "The recipient is not a valid address"),
    Code.RECIPIENT_NOT_APPROVED: Entry(422, "The recipient is not approved"),
    Code.PROVIDER_TX_ID_REUSED: Entry(409, "This payment backs another invoice already"),
    Code.VOUCHER_EXPIRED: Entry(409, "The voucher has expired"),
    Code.VOUCHER_OUTCOME_UNKNOWN: Entry(409, "The outcome of the submission is not known yet", True),
    Code.HSM_UNAVAILABLE: Entry(503, "The signing token is away; nothing was signed", True),
    Code.SIGNING_DISABLED: Entry(503, "Signing is switched off; nothing was signed", True),
    Code.HSM_SIGN_FAILED: Entry(502, "The signing token refused to sign"),
    Code.SWAP_RPC_FAILED: Entry(502, "The swap node refused the voucher"),
    Code.TENANT_NOT_ACTIVE: Entry(409, "The tenant is not active"),
    Code.BRANCH_NOT_ACTIVE: Entry(409, "A branch is not active"),
    Code.BRANCH_NOT_FOUND: Entry(422, "A branch does not exist in this tenant"),
    Code.BRANCH_REQUIRED: Entry(422, "At least one branch is required"),
    Code.DISPLAY_NAME_INVALID: Entry(422, "The display name must have 1 to 80 visible characters"),
    Code.PHONE_INVALID: Entry(422, "The phone number is not valid"),
    Code.ROLE_KEY_INVALID: Entry(422, "The role is not in the tenant's registry"),
    Code.STAFF_ALREADY_EXISTS: Entry(409, "This person is already on the staff, with other facts"),
    Code.CANNOT_DEMOTE_OWNER_ROLE: Entry(409, "An owner's role is not changed this way"),
    Code.ROLE_CEILING_EXCEEDED: Entry(403, "Nobody grants a level above their own"),
    Code.OTP_INVALID: Entry(400, "The code is not valid or no longer valid"),
    Code.OTP_ATTEMPTS_EXCEEDED: Entry(429, "Too many tries; request a new code"),
    Code.OTP_COOLDOWN: Entry(429, "A code was sent a moment ago", True),
    Code.OTP_RATE_LIMIT: Entry(429, "Too many codes were asked for", True),
    Code.PASSWORD_POLICY: Entry(422, "The password does not meet the policy"),
    Code.BRANCH_CONTEXT_REQUIRED: Entry(403, "Choose a branch first"),
    Code.NO_BRANCH_ACCESS: Entry(403, "No access to this branch"),
    Code.NO_BRANCH_ASSIGNMENT: Entry(403, "No branch is assigned"),
    Code.BRANCH_ACCESS_REVOKED: Entry(403, "Access to this branch was taken away"),
    Code.BRANCH_FROZEN: Entry(403, "The branch is frozen"),
    Code.TENANT_HAS_NO_BRANCHES: Entry(409, "The tenant has no branch yet"),
    Code.MEMBER_REVOKED: Entry(409, "The person is not on the staff any more"),
    Code.CANNOT_REMOVE_LAST_OWNER: Entry(409, "A tenant keeps at least one owner"),
    Code.ROLE_IN_USE: Entry(409, "Somebody still has this role"),
    Code.NO_MEMBERSHIP: Entry(403, "Not a member of this tenant"),
    Code.MEMBERSHIP_NOT_ACTIVE: Entry(403, "The membership has ended"),
    Code.ACCESS_CHANGED: Entry(403, "What you may do has changed; choose your context again"),
    Code.ACCOUNT_DISABLED: Entry(403, "The account is disabled"),
    Code.QUOTA_EXCEEDED: Entry(403, "The tenant's quota is used up"),
    Code.AUDIT_RANGE_INVALID: Entry(422, "The log has no such range"),
    Code.EXPORT_TOO_LARGE: Entry(422, "The dataset has too many rows for one export"),
    Code.EXPORT_NOT_READY: Entry(409, "The export has no file"),
    Code.EXPORT_EXPIRED: Entry(410, "The export's file is not kept any more"),
    Code.LEGAL_HOLD: Entry(409, "A legal hold stands"),
    Code.PERSON_STILL_ACTIVE: Entry(409, "The person is still active"),
}

# Answers with these statuses depend on who asks, or on the moment, so an Idempotency-Key never pins them.
_NEVER_STORED = frozenset({401, 403, 404, 422, 429})


def is_binding(status: int) -> bool:
    """Whether an answer is kept under its Idempotency-Key and given again."""
    return status not in _NEVER_STORED and status < 500


class FieldError(BaseModel):
    """One wrong field: `pointer` is a JSON Pointer (RFC 6901) into the request body."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    code: str
    detail: str


class Problem(BaseModel):
    """The body of every non-2xx answer (RFC 9457)."""

    model_config = ConfigDict(frozen=True)

    type: str
    title: str
    status: int
    detail: str
    code: Code
    request_id: str
    retryable: bool
    errors: tuple[FieldError, ...] | None = None
    reasons: tuple[str, ...] | None = None
    existing: dict[str, object] | None = None
    diff: dict[str, object] | None = None
    next_action: str | None = None
    retry_after: int | None = None


def problem(code: Code, request_id: str, detail: str = "", **extra: object) -> Problem:
    """The problem for `code`; `extra` may hold errors, reasons, existing, diff, next_action, retry_after."""
    status, title, retryable = FAILURES[code]
    body = {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail or title,
        "code": code,
        "request_id": request_id,
        "retryable": retryable,
    }
    return Problem.model_validate(body | extra)
