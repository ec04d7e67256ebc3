"""Branches of somebody on the staff: add, remove and replace are three things (P6), an event for each branch."""

from collections.abc import Callable
from uuid import UUID

from contracts.failures import Code
from contracts.staff_changes import AddBranches, BranchesDiff, BranchesView, RemoveBranch, ReplaceBranches
from services.chassis import Call, Fact, Outcome, Refusal, Reply
from services.staffing.book import Book
from services.staffing.membership import changeable
from services.staffing.provisioning.checks import check_branches
from services.staffing.staff import Staff


def add_branches(command: AddBranches, call: Call, book: Book) -> Outcome:
    found = changeable(command, call, book)
    if isinstance(found, Refusal):
        return found
    *_, target = found
    refused = check_branches(command.branch_ids, command.tenant_id, book)
    return refused or _changed(target, lambda: target.grant(command.branch_ids, command.reason or "added", call))


def replace_branches(command: ReplaceBranches, call: Call, book: Book) -> Outcome:
    """A frozen branch that they have may stay: a freeze takes no assignment away."""
    found = changeable(command, call, book)
    if isinstance(found, Refusal):
        return found
    *_, target = found
    kept = _standing(target)
    refused = check_branches(command.branch_ids, command.tenant_id, book, kept) if command.branch_ids else None
    return refused or _changed(target, lambda: target.replace(command.branch_ids, command.reason or "replaced", call))


def remove_branch(command: RemoveBranch, call: Call, book: Book) -> Outcome:
    found = changeable(command, call, book)
    if isinstance(found, Refusal):
        return found
    *_, target = found
    branch = book.branches.get(command.branch_id)
    if branch is None or branch.tenant_id != command.tenant_id:
        return Refusal(Code.BRANCH_NOT_FOUND, extra={"status": 404})
    return _changed(target, lambda: target.remove([command.branch_id], "removed", call))


def _changed(target: Staff, change: Callable[[], list[Fact]]) -> Reply:
    """The person as they stand after it, and the difference it made."""
    before = _standing(target)
    facts = change()
    after = _standing(target)
    diff = BranchesDiff(added=tuple(sorted(after - before)), removed=tuple(sorted(before - after)))
    view = BranchesView(**dict(target.view()), diff=diff)
    return Reply(200, view, facts, target.etag)


def _standing(target: Staff) -> set[UUID]:
    return {assignment.branch_id for assignment in target.active_assignments}
