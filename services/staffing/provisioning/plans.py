"""What a provisioning would do, made by doing it in a book that nobody saves (`dry_run=true`).

A plan tells what happens in the tenant and nothing of the person elsewhere: no identity event, and no id that the
tenant does not have yet, so a known phone and a new one have the same plan under the same ETag (S2.7).
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, cast

from pydantic_core import to_json

from contracts.failures import Code
from contracts.personal import sealed_fields
from contracts.provisioning import Person, Plan, PlannedEvent, ProvisionStaff
from contracts.staff_events import BranchAccessGranted, BranchAccessRemoved, MembershipFact
from contracts.staffing import ProvisioningOutcome, StaffView
from services.chassis import Fact, Outcome, Refusal, Reply
from services.staffing.book import Book
from services.staffing.phone import PhoneFault


def plan_of(reply: Reply, book: Book) -> Plan:
    outcome = _view(reply).outcome or ProvisioningOutcome.UNCHANGED
    return Plan(status=reply.status, outcome=outcome, events=_planned(reply.facts, book))


def _view(reply: Reply) -> StaffView:
    return cast("StaffView", reply.body)


def _planned(facts: Sequence[Fact], book: Book) -> tuple[PlannedEvent, ...]:
    told = [fact.data for fact in facts if isinstance(fact.data, MembershipFact)]
    return tuple(PlannedEvent(type=data.type, data=_known(data, book)) for data in told)


def _known(data: MembershipFact, book: Book) -> dict[str, Any]:
    """The event without ids that were not there before the call, and without sealed text, which is never the same."""
    fields = data.model_dump(mode="json", exclude=set(sealed_fields(type(data))))
    if data.membership_id not in book.stored:
        del fields["account_id"], fields["membership_id"]
    if isinstance(data, BranchAccessGranted | BranchAccessRemoved) and data.assignment_id not in book.stored:
        del fields["assignment_id"]
    return fields


def etag_of(plan: Plan, reply: Reply, command: ProvisionStaff, book: Book) -> str:
    """Of all that the plan came from: what was asked, the role as it is defined, the person as they stand here.

    The version in the answer counts on from the one that stands.
    """
    role = book.tenants[command.tenant_id].roles[command.role_key]
    seen = {
        "asked": command.model_dump(exclude={"plan"}),
        "plan": plan.model_dump(),
        "version": _view(reply).version,
        "role": (role.level, sorted(role.permissions)),
    }
    return f'"{hashlib.sha256(to_json(seen)).hexdigest()}"'


def as_planned(command: ProvisionStaff, book: Book, add: Callable[[Person, Book], Outcome]) -> Outcome:
    """Do what was planned, or nothing at all."""
    number = book.phone(command.phone, book.tenants[command.tenant_id].region)
    trial = book.trial(command.tenant_id, [] if isinstance(number, PhoneFault) else [number])
    outcome = add(command, trial)
    if isinstance(outcome, Refusal):
        return Refusal(Code.PRECONDITION_FAILED, f"the call would be refused now: {outcome.code}")
    if etag_of(plan_of(outcome, book), outcome, command, book) != command.plan:
        return Refusal(Code.PRECONDITION_FAILED, "the call would do something else now; ask for a new plan")
    book.adopt(trial)
    return outcome
