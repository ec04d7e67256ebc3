"""How much a tenant may have (P15): limits are rows, with one row of defaults.

What is used is counted with the facts themselves, under the tenant's lock, so a gate costs the same in a tenant of ten
and of a million; a call that is answered from its key counts nothing.
"""

from enum import StrEnum

from contracts.failures import Code
from contracts.staff_events import QuotasSet
from contracts.staffing import Quota, QuotasView, SetQuotas
from services.chassis import Call, Outcome, Refusal, Reply
from services.staffing.access.admission import is_root_admin
from services.staffing.book import Book
from services.staffing.provisioning.usage import Count, Limits
from services.staffing.tenant import Tenant


class Resource(StrEnum):
    STAFF = "staff"
    BRANCHES = "branches"
    ROLE_KEYS = "role_keys"


def quota_refusal(book: Book, tenant: Tenant, resource: Resource) -> Refusal | None:
    """Why one more is too many, if it is."""
    quota: Quota = getattr(quotas_of(book.counts[tenant.id], tenant), resource)
    if quota.used < quota.limit:
        return None
    existing = {"quota": resource, "limit": quota.limit, "used": quota.used}
    return Refusal(Code.QUOTA_EXCEEDED, f"{quota.used} of {quota.limit} {resource} are used", {"existing": existing})


def set_quotas(command: SetQuotas, call: Call, book: Book) -> Outcome:
    """A limit below what is used takes nothing away; it lets nothing in."""
    if not is_root_admin(book, call.actor):
        return Refusal(Code.ROOT_ADMIN_REQUIRED)
    tenant = book.tenants.get(command.tenant_id)
    if tenant is None:
        return Refusal(Code.NOT_FOUND)
    count, wanted = book.counts[tenant.id], Limits(command.staff, command.branches, command.role_keys)
    facts = []
    if wanted != count.limits:
        count.limits = wanted
        told = QuotasSet(tenant_id=tenant.id, staff=wanted.staff, branches=wanted.branches, role_keys=wanted.role_keys)
        facts = [tenant.touch(told, call)]
    return Reply(200, quotas_of(count, tenant), facts)


def quotas_of(count: Count, tenant: Tenant) -> QuotasView:
    return QuotasView(
        staff=Quota(limit=count.limits.staff, used=count.used.staff),
        branches=Quota(limit=count.limits.branches, used=count.used.branches),
        role_keys=Quota(limit=count.limits.role_keys, used=len(tenant.roles)),
    )
