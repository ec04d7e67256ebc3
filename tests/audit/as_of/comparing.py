"""A log asked about every instant of some lives, and what each answer should have been."""

import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import orjson

from contracts.audit_as_of import (
    AccessAsOf,
    AsOf,
    AssignmentAsOf,
    BranchAccessAsOf,
    GetBranchAccessAsOf,
    GetMembershipAsOf,
    GetPartnerAsOf,
    GetRosterAsOf,
    Known,
    MembershipAsOf,
    PartnerAsOf,
    RosterAsOf,
)
from contracts.failures import Code
from services.audit.as_of.queries import branch_access_as_of, membership_as_of, partner_as_of, roster_as_of
from services.chassis import Outcome, Read, Refusal
from services.chassis.queries import QueryHandler
from tests.audit.as_of.telling import Life, Seen, versions
from tests.audit.asking import Asking
from tests.audit.ledger import Ledger

US = timedelta(microseconds=1)
HANDLERS: dict[type[AsOf], QueryHandler] = {
    GetPartnerAsOf: partner_as_of,
    GetRosterAsOf: roster_as_of,
    GetMembershipAsOf: membership_as_of,
    GetBranchAccessAsOf: branch_access_as_of,
}
Reached = tuple[int, list[int], int]
"""The last version with all before it, the positions of their events, and how many events wait."""


async def record_lives(ledger: Ledger, lives: Sequence[Life], dice: random.Random) -> None:
    """Side by side, an event or a few of each in a batch; at times neighbours on two topics come in the wrong order."""
    for batches in zip_longest(*(list(_batches(life, dice)) for life in lives), fillvalue=()):
        await ledger.take([told for batch in batches for told in batch])


def _batches(life: Life, dice: random.Random) -> Iterator[list[Any]]:
    told = list(life.told)
    for n in range(len(told) - 1):
        if told[n].topic != told[n + 1].topic and dice.random() < 0.1:
            told[n : n + 2] = told[n + 1], told[n]
    while told:
        number = dice.choice((1, 1, 1, 2, 3))
        yield told[:number]
        del told[:number]


class Past:
    """What was recorded when; by a plain look at the table."""

    def __init__(self, ledger: Ledger) -> None:
        columns: LiteralString = "aggregate_type, aggregate_id, aggregate_version, recorded_at, position, raw"
        rows = ledger.rows(f"SELECT {columns} FROM events ORDER BY position")
        self.moments = [row["recorded_at"] for row in rows]
        self._of: dict[tuple[str, UUID], list[tuple[datetime, int, int]]] = defaultdict(list)
        self._access: dict[UUID, list[tuple[datetime, str | None]]] = defaultdict(list)
        for row in rows:
            event = (row["recorded_at"], row["aggregate_version"], row["position"])
            self._of[row["aggregate_type"], row["aggregate_id"]].append(event)
            if row["aggregate_type"] == "membership":
                told = orjson.loads(row["raw"])["data"].get("branch_id")
                self._access[row["aggregate_id"]].append((row["recorded_at"], told))

    def instants(self, *subjects: tuple[str, UUID]) -> list[datetime]:
        """Before the first event, at each, right before the next, and long after the last."""
        moments = sorted({moment for subject in subjects for moment, *_ in self._of[subject]})
        found = [instant for moment in moments for instant in (moment - US, moment)]
        return [*found, moments[-1] + US, self.moments[-1] + timedelta(days=1)]

    def reached(self, kind: str, aggregate: UUID, as_of: datetime) -> Reached:
        there = {version: position for moment, version, position in self._of[kind, aggregate] if moment <= as_of}
        version = 0
        while version + 1 in there:
            version += 1
        return version, [there[n + 1] for n in range(version)], len(there) - version

    def speaks_of(self, member: UUID, branch: UUID, as_of: datetime) -> bool:
        """Whether a change of this membership's access to the branch was recorded by then."""
        return any(moment <= as_of and told == str(branch) for moment, told in self._access[member])

    def knows(self, known: Known, as_of: datetime, *reached: Reached) -> bool:
        """Whether an answer says truly what it rests on."""
        last = max(position for _, positions, _ in reached for position in positions)
        size = bisect_right(self.moments, as_of)
        said = (known.as_of, known.position, known.recorded_at, known.waiting, known.checkpoint_size, known.final)
        waiting = sum(waits for *_, waits in reached)
        return said == (as_of, last, self.moments[last], waiting, size, size < len(self.moments))


class Question(NamedTuple):
    """What is asked, what must come of it (None: nothing is known yet), and what that rests on."""

    query: AsOf
    expected: Seen | None
    reached: list[Reached]


def questions(life: Life, past: Past) -> Iterator[Question]:
    """Every question about this life, at every instant that makes a difference to it."""
    for partner in versions(life, "partner"):
        for as_of in past.instants(("partner", partner)):
            reached = past.reached("partner", partner, as_of)
            seen = life.seen.get(("partner", partner, reached[0]))
            yield Question(GetPartnerAsOf(partner_id=partner, as_of=as_of), seen, [reached])
            yield Question(GetRosterAsOf(partner_id=partner, as_of=as_of, limit=1000), seen, [reached])
    for member in versions(life, "membership"):
        for as_of in past.instants(("membership", member)):
            reached = past.reached("membership", member, as_of)
            seen = life.seen.get(("membership", member, reached[0]))
            yield Question(GetMembershipAsOf(membership_id=member, as_of=as_of), seen, [reached])
    for branch in versions(life, "branch"):
        yield from _about_access(life, branch, past)


def _about_access(life: Life, branch: UUID, past: Past) -> Iterator[Question]:
    [tenant], members = versions(life, "tenant"), list(versions(life, "membership"))
    for as_of in past.instants(("branch", branch), ("tenant", tenant), *(("membership", one) for one in members)):
        of_branch, of_tenant = past.reached("branch", branch, as_of), past.reached("tenant", tenant, as_of)
        of_members = {member: past.reached("membership", member, as_of) for member in members}
        seen = life.seen.get(("branch", branch, of_branch[0]))
        standing = life.seen.get(("tenant", tenant, of_tenant[0]), {"status": None})
        people = {one: life.seen["membership", one, version] for one, (version, *_) in of_members.items() if version}
        expected = seen and {
            "tenant_id": tenant,
            "name": seen["name"],
            "status": seen["status"],
            "tenant_status": standing["status"],
            "access": [
                (one, person["account_id"], person["kind"], person["role_key"], *given[1:])
                for one, person in sorted(people.items())
                for given in person["branches"]
                if given[0] == branch and person["status"] == "ACTIVE"
            ],
        }
        ever = [r for one, r in of_members.items() if past.speaks_of(one, branch, as_of)]
        yield Question(
            GetBranchAccessAsOf(branch_id=branch, as_of=as_of, limit=1000), expected, [of_branch, of_tenant, *ever]
        )


def plain(body: Any) -> Seen:
    """An answer in the words of what was seen."""
    told: Seen = dict(body)
    match body:
        case PartnerAsOf():
            first = body.proposal
            told |= {
                "documents": [(d.kind, d.object_key, d.size, d.sha256, d.version_id) for d in body.documents],
                "approved_by": body.approved_by and body.approved_by.subject,
                "proposal": first
                and (first.proposal_id, first.verdict, first.notes, first.dossier_version, first.proposed_by.subject),
                "decisions": [decision.model_dump() for decision in body.decisions],
                "decision": body.decision and body.decision.approval_id,
                "review": body.review.model_dump(),
            }
        case RosterAsOf():
            told |= {
                "stays": [(s.number, s.issuer, s.subject, s.role, s.status, s.since, s.removed_at) for s in body.data],
                "deactivated": [(s.deactivated_at, s.known_to_provider) for s in body.data],
            }
        case MembershipAsOf():
            told |= {
                "periods": [(period.since, period.until) for period in body.periods],
                "branches": [(one.branch_id, *_given(one)) for one in body.branches],
            }
        case BranchAccessAsOf():
            told["access"] = [(a.membership_id, a.account_id, a.kind, a.role_key, *_given(a)) for a in body.data]
    return told


def _given(one: AssignmentAsOf | AccessAsOf) -> tuple[Any, ...]:
    return one.assignment_id, one.since, one.assigned_by, one.reason


async def differences(ledger: Ledger, lives: Sequence[Life]) -> tuple[int, list[str]]:
    """How many questions were asked, and those that were answered in another way than it was."""
    answers = [wrong async for wrong in answered(ledger, lives)]
    return len(answers), [wrong for wrong in answers if wrong]


async def answered(ledger: Ledger, lives: Sequence[Life]) -> AsyncGenerator[str, None]:
    """What is wrong with each answer, the newest instants first."""
    past = Past(ledger)
    async with ledger.engine.connect() as connection:
        for life in lives:
            for question in reversed(list(questions(life, past))):
                outcome = await Asking(ledger).on(Read(connection), question.query, HANDLERS[type(question.query)])
                wrong = _difference(question, outcome, past)
                yield f"{question.query!r}: {wrong}" if wrong else ""


def _difference(question: Question, outcome: Outcome, past: Past) -> str:
    if isinstance(outcome, Refusal):
        return "" if question.expected is None and outcome.code is Code.NOT_FOUND else f"refused with {outcome.code}"
    if question.expected is None:
        return "told of what was not recorded yet"
    body: Any = outcome.body
    told = plain(body)
    wrong = {
        name: (told[name], seen) for name, seen in question.expected.items() if name in told and told[name] != seen
    }
    if not wrong and not past.knows(body.known, question.query.as_of, *question.reached):
        return f"rests on something else: {body.known}"
    return str(wrong or "")
