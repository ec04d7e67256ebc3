"""A tenant's role registry: extendable while it runs, by owners alone (P5).

ADMIN is what the tenant began with and what its administration hangs on, so it stays as it is.
"""

import re

from contracts.access import OWNER_ONLY, Action, DefineRole, RemoveRole
from contracts.failures import Code, FieldError
from contracts.staff_events import RoleDefined, RoleRemoved
from services.chassis import Call, Outcome, Refusal, Reply
from services.staffing.access.admission import permitted
from services.staffing.book import Book
from services.staffing.provisioning.checks import refuse
from services.staffing.provisioning.quotas import Resource, quota_refusal
from services.staffing.tenant import ADMIN, Role

_KEY = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_OF_GATEHOUSE = frozenset(action.split(".")[0] for action in Action)


def define_role(command: DefineRole, call: Call, book: Book) -> Outcome:
    admitted = permitted(command, call.actor, book)
    if isinstance(admitted, Refusal):
        return admitted
    tenant, _ = admitted
    refused = _check(command)
    if refused:
        return refused
    role, known = Role(command.level, frozenset(command.permissions)), tenant.roles.get(command.role_key)
    if known == role:
        return Reply(200, tenant.role_view(command.role_key))
    full = None if known else quota_refusal(book, tenant, Resource.ROLE_KEYS)
    if full:
        return full
    tenant.roles[command.role_key] = role
    told = tenant.touch(
        RoleDefined(
            tenant_id=tenant.id,
            role_key=command.role_key,
            level=role.level,
            permissions=tuple(sorted(role.permissions)),
        ),
        call,
    )
    return Reply(200 if known else 201, tenant.role_view(command.role_key), [told])


def remove_role(command: RemoveRole, call: Call, book: Book) -> Outcome:
    admitted = permitted(command, call.actor, book)
    if isinstance(admitted, Refusal):
        return admitted
    tenant, _ = admitted
    if command.role_key not in tenant.roles:
        return Refusal(Code.NOT_FOUND)
    if command.role_key == ADMIN or book.holds_role(tenant.id, command.role_key):
        return Refusal(Code.ROLE_IN_USE)
    del tenant.roles[command.role_key]
    return Reply(204, None, [tenant.touch(RoleRemoved(tenant_id=tenant.id, role_key=command.role_key), call)])


def _check(command: DefineRole) -> Refusal | None:
    if not _KEY.fullmatch(command.role_key):
        return refuse(Code.ROLE_KEY_INVALID, "/role_key", "1 to 64 capitals, digits and _, a capital first")
    if command.role_key == ADMIN:
        return refuse(Code.ROLE_KEY_INVALID, "/role_key", "ADMIN stays as it is; define another role beside it")
    errors = [
        FieldError(pointer=f"/permissions/{number}", code=Code.VALIDATION_FAILED, detail=fault)
        for number, name in enumerate(command.permissions)
        if (fault := _fault(name))
    ]
    return Refusal(Code.VALIDATION_FAILED, extra={"errors": errors}) if errors else None


def _fault(permission: str) -> str | None:
    """A shop names its own actions as it likes, but not as if they were Gatehouse's."""
    if permission in OWNER_ONLY:
        return f"{permission} comes with owning the tenant"
    if permission not in set(Action) and permission.split(".", maxsplit=1)[0] in _OF_GATEHOUSE:
        return f"{permission} is no action of Gatehouse"
    return None
