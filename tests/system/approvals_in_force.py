"""S1.47 over the whole log: every submitted voucher had an approval in force on the dossier that was reviewed.

Pure: events in, complaints out. Nothing is asked of the services; the log alone tells which approval was in force at
the moment a voucher was sent, because both moments were taken under the partner's lock.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

Event = dict[str, Any]

GRANTS = ("partner.approved", "partner.reinstated")
ENDS = ("partner.rejected", "partner.suspended")


class Span(NamedTuple):
    """An approval, from its decision to the one that ended it."""

    approval_id: str
    dossier_version: int
    since: datetime
    until: datetime | None


def complaints(log: Iterable[Event]) -> Iterator[str]:
    """One line for each submitted voucher that no approval covered, or that differs from what was approved."""
    by_aggregate: defaultdict[str, list[Event]] = defaultdict(list)
    for event in log:
        by_aggregate[event["aggregate_id"]].append(event)
    for history in by_aggregate.values():
        history.sort(key=lambda event: event["aggregate_version"])
    for history in by_aggregate.values():
        for event in history:
            if event["type"] == "invoice.submitted":
                yield from _complaints(event, history, by_aggregate.get(event["data"]["partner_id"], []))


def submitted(log: Iterable[Event]) -> int:
    return sum(1 for event in log if event["type"] == "invoice.submitted")


def _complaints(submission: Event, invoice: list[Event], partner: list[Event]) -> Iterator[str]:
    name = f"invoice {submission['aggregate_id']}"
    one_each = {kind: [e for e in invoice if e["type"] == kind] for kind in ("invoice.approved", "invoice.signing")}
    if any(len(found) != 1 for found in one_each.values()):
        yield f"{name}: not one approval and one voucher"
        return
    [approved], [signing] = one_each.values()
    sent_at = datetime.fromisoformat(submission["data"]["sent_at"])
    covering = [
        span for span in _spans(partner) if span.since <= sent_at and (span.until is None or sent_at < span.until)
    ]
    named = (signing["data"]["approval_id"], signing["data"]["dossier_version"])
    if [(span.approval_id, span.dossier_version) for span in covering] != [named]:
        yield f"{name}: sent at {sent_at} under {named}, in force was {covering}"
    terms = [
        (e["data"]["amount"], e["data"]["currency"], e["data"]["recipient"]) for e in (approved, signing, submission)
    ]
    if len(set(terms)) != 1:
        yield f"{name}: approved and submitted differ: {terms}"
    people = {(e["actor"]["issuer"], e["actor"]["subject"]) for e in (invoice[0], approved, signing)}
    if len(people) != 3:
        yield f"{name}: creator, approver and signer are not three people"


def _spans(partner: list[Event]) -> list[Span]:
    spans: list[Span] = []
    for event in partner:
        moment = datetime.fromisoformat(event["occurred_at"])
        if event["type"] in (*GRANTS, *ENDS) and spans and spans[-1].until is None:
            spans[-1] = spans[-1]._replace(until=moment)
        if event["type"] in GRANTS:
            data = event["data"]
            spans.append(Span(data["approval_id"], data["dossier_version"], moment, None))
    return spans
