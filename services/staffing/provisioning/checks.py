"""What a provisioning asks for, checked part by part; each refusal says what would have been right."""

from collections.abc import Collection, Sequence
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from contracts.failures import Code, FieldError
from contracts.provisioning import Person
from contracts.staffing import Status
from contracts.text import Name
from services.chassis import Refusal
from services.staffing.access.admission import level_of
from services.staffing.book import Book
from services.staffing.phone import PhoneFault
from services.staffing.staff import Staff, Wanted
from services.staffing.tenant import Tenant

DISPLAY_NAME_LENGTH = 80
UNKNOWN = "UNKNOWN"
_NAME: TypeAdapter[str] = TypeAdapter(Name)


def check_provisioning(person: Person, tenant: Tenant, actor: Staff, book: Book) -> tuple[str, Wanted] | Refusal:
    """The phone in E.164 and the facts asked for; the order of the gates is a promise (S2.22-25)."""
    who = check_person(person.phone, person.display_name, tenant.region, book)
    if isinstance(who, Refusal):
        return who
    phone, name = who
    refused = check_role(person.role_key, tenant, actor)
    if refused:
        return refused
    refused = check_branches(person.branch_ids, tenant.id, book)
    return refused or (phone, Wanted(name, person.role_key, tuple(dict.fromkeys(person.branch_ids))))


def check_person(phone: str, display_name: str, region: str, book: Book, at: str = "") -> tuple[str, str] | Refusal:
    """Phone in E.164 and display name in NFC; `at` is where they stand in the body."""
    name = _display_name(display_name)
    if name is None:
        return refuse(Code.DISPLAY_NAME_INVALID, f"{at}/display_name")
    number = book.phone(phone, region)
    if isinstance(number, PhoneFault):
        error = FieldError(pointer=f"{at}/phone", code=number, detail=f"the number is refused: {number}")
        return Refusal(Code.PHONE_INVALID, extra={"errors": [error], "reasons": [number]})
    return number, name


def refuse(code: Code, pointer: str, detail: str = "") -> Refusal:
    error = FieldError(pointer=pointer, code=code, detail=detail or code.replace("_", " ").lower())
    return Refusal(code, detail, {"errors": [error]})


def _display_name(raw: str) -> str | None:
    try:
        name = _NAME.validate_python(raw)
    except ValidationError:
        return None
    return name if len(name) <= DISPLAY_NAME_LENGTH else None


def check_role(role_key: str, tenant: Tenant, actor: Staff) -> Refusal | None:
    if role_key not in tenant.roles:
        allowed = sorted(tenant.roles)
        refused = refuse(Code.ROLE_KEY_INVALID, "/role_key", f"allowed: {', '.join(allowed)}")
        refused.extra["existing"] = {"role_keys": allowed}
        return refused
    if tenant.roles[role_key].level > level_of(tenant, actor):
        return refuse(Code.ROLE_CEILING_EXCEEDED, "/role_key", "the role stands above your own")
    return None


def check_branches(
    branch_ids: Sequence[UUID], tenant_id: UUID, book: Book, kept: Collection[UUID] = ()
) -> Refusal | None:
    """Every bad branch is named, in the order of the request; another tenant's branch does not exist here.

    Those `kept` are somebody's already: a freeze takes no assignment away, so they need not be active.
    """
    if not branch_ids:
        return refuse(Code.BRANCH_REQUIRED, "/branch_ids")
    if not book.counts[tenant_id].used.branches:
        return Refusal(Code.TENANT_HAS_NO_BRANCHES)
    asked = [branch_id for branch_id in branch_ids if branch_id not in kept]
    bad = {b: status for b in asked if (status := _status(b, tenant_id, book)) != Status.ACTIVE}
    if not bad:
        return None
    codes = {b: Code.BRANCH_NOT_FOUND if status == UNKNOWN else Code.BRANCH_NOT_ACTIVE for b, status in bad.items()}
    errors = [
        FieldError(pointer=f"/branch_ids/{branch_ids.index(b)}", code=codes[b], detail=f"{b} is {status}")
        for b, status in bad.items()
    ]
    listed = [{"branch_id": str(b), "status": status} for b, status in bad.items()]
    worst = Code.BRANCH_NOT_FOUND if UNKNOWN in bad.values() else Code.BRANCH_NOT_ACTIVE
    return Refusal(worst, extra={"errors": errors, "existing": {"branches": listed}})


def _status(branch_id: UUID, tenant_id: UUID, book: Book) -> str:
    branch = book.branches.get(branch_id)
    return str(branch.status) if branch and branch.tenant_id == tenant_id else UNKNOWN
