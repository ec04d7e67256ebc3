"""Add many people in one call, each under a key of their own (P7).

`per_row` does every good row and says what is wrong with the others. `atomic` does all of them or, when one is bad,
none, and names every bad one. A row that was done before is answered as it was then, whichever call did it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

from contracts.failures import FAILURES, Code, FieldError
from contracts.provisioning import BulkMode, BulkProvision, BulkResult, BulkRow, BulkView
from contracts.staff_events import StaffProvisioned
from contracts.staffing import ProvisioningOutcome, StaffView
from services.chassis import Call, Fact, Outcome, Refusal, Reply
from services.staffing.access.admission import permitted
from services.staffing.book import Book
from services.staffing.phone import PhoneFault
from services.staffing.provisioning.bulk_rows import DoneRow, content_of
from services.staffing.provisioning.checks import refuse
from services.staffing.provisioning.provision import Adding

CREATED = ProvisioningOutcome.CREATED


class Settled(NamedTuple):
    """What became of one row; a row that was done before tells no facts."""

    row: BulkRow
    outcome: DoneRow | Refusal
    facts: Sequence[Fact] = ()


def bulk_provision(command: BulkProvision, call: Call, book: Book) -> Outcome:
    admitted = permitted(command, call.actor, book)
    if isinstance(admitted, Refusal):
        return admitted
    adding = Adding(*admitted, command.if_exists, call)
    if command.mode is BulkMode.PER_ROW:
        return _answer(command, list(_settle(command, adding, book)))
    trial = book.trial(command.tenant_id, _numbers(command, book))
    settled = list(_settle(command, adding, trial))
    if any(isinstance(row.outcome, Refusal) for row in settled):
        return _refused(settled)
    book.adopt(trial)
    return _answer(command, settled)


def _settle(command: BulkProvision, adding: Adding, book: Book) -> Iterator[Settled]:
    named: set[str] = set()
    for row in command.rows:
        if row.key in named:
            yield _reused(row, "another row of this call has this key")
        else:
            yield _settled(row, command, adding, book)
        named.add(row.key)


def _settled(row: BulkRow, command: BulkProvision, adding: Adding, book: Book) -> Settled:
    content = content_of(row)
    done = book.done_rows.get((command.tenant_id, row.key))
    if done and done.content_sha256 != content:
        return _reused(row, "this key was used for another row")
    if done:
        return Settled(row, done)
    outcome = adding.add(row, book)
    if isinstance(outcome, Refusal):
        return Settled(row, outcome)
    view = cast("StaffView", outcome.body)
    became = view.outcome or ProvisioningOutcome.UNCHANGED
    done = DoneRow(
        tenant_id=command.tenant_id,
        key=row.key,
        content_sha256=content,
        status=outcome.status,
        outcome=became,
        account_id=view.account_id,
        done_at=adding.call.now,
    )
    book.keep_row(done)
    book.count(outcome.facts)
    return Settled(row, done, outcome.facts)


def _reused(row: BulkRow, detail: str) -> Settled:
    return Settled(row, refuse(Code.IDEMPOTENCY_KEY_REUSED, "/key", detail))


def _numbers(command: BulkProvision, book: Book) -> list[str]:
    region = book.tenants[command.tenant_id].region
    numbers = (book.phone(row.phone, region) for row in command.rows)
    return [number for number in numbers if not isinstance(number, PhoneFault)]


def _answer(command: BulkProvision, settled: Sequence[Settled]) -> Reply:
    facts = [fact for row in settled for fact in row.facts]
    created = sum(isinstance(fact.data, StaffProvisioned) and fact.data.outcome is CREATED for fact in facts)
    results = tuple(map(_result, settled))
    return Reply(200, BulkView(mode=command.mode, created=created, results=results), facts)


def _result(settled: Settled) -> BulkResult:
    key, outcome = settled.row.key, settled.outcome
    if isinstance(outcome, DoneRow):
        return BulkResult(key=key, status=outcome.status, outcome=outcome.outcome, account_id=outcome.account_id)
    status, title, _ = FAILURES[outcome.code]
    errors = tuple(error.model_dump() for error in _errors(outcome))
    return BulkResult(key=key, status=status, code=outcome.code, detail=outcome.detail or title, errors=errors)


def _refused(settled: Sequence[Settled]) -> Refusal:
    """Every bad row is named, in the order of the request; the first one gives the code."""
    bad = [(number, row.outcome) for number, row in enumerate(settled) if isinstance(row.outcome, Refusal)]
    errors = [
        error.model_copy(update={"pointer": f"/rows/{number}{error.pointer}"})
        for number, refusal in bad
        for error in _errors(refusal)
    ]
    return Refusal(bad[0][1].code, f"{len(bad)} of {len(settled)} rows are bad; none was done", {"errors": errors})


def _errors(refusal: Refusal) -> list[FieldError]:
    """What is wrong in the row: at least one thing."""
    errors: list[FieldError] = refusal.extra.get("errors", [])
    fields = refusal.extra.get("diff", {""})
    detail = refusal.detail or FAILURES[refusal.code].title
    return errors or [FieldError(pointer=f"/{field}".rstrip("/"), code=refusal.code, detail=detail) for field in fields]
