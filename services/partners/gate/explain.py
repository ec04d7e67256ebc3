"""Why the gate is as it is, and the smallest set of changes that would open each closed capability (issue 4).

Found by trying: whatever mends an obstacle is made, in every legal order, shortest ways first, until the same
obstacles that close the gate are gone. The order matters: a filing lapses a proposal that was made before it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from contracts.gate import Capability, ChangeView, DocumentAge, ExplainView, FactsView, OpeningView
from services.partners.gate.changes import Change, apply, cures
from services.partners.gate.facts import Facts, Policy
from services.partners.gate.obstacles import Obstacle, obstacles

Step = tuple[Change, Facts]
"""A change, and the facts it was made on."""
Path = tuple[Step, ...]

CHANGES = tuple(Change)
NOTHING_OPENS = "The rejection is final: no change opens this."
DETAILS = {
    Change.FILE_NEW_DOSSIER: "File a new dossier with both documents.",
    Change.ANSWER_FIELDS: "File what was asked for{fields}.",
    Change.UPLOAD_KYB: "File a current kyb document{also}.",
    Change.UPLOAD_LICENSING: "File a current licensing document{also}.",
    Change.NAME_CONTACT: "Name an active contact{also}.",
    Change.APPROVE: "Approve version {version} of the dossier, by somebody who neither filed it nor is in the roster.",
    Change.SECOND_APPROVE: "Approve version {version} of the dossier, by somebody other than its first approver.",
    Change.REINSTATE: "Reinstate on version {version} of the dossier, by somebody who has no part in it.",
    Change.SECOND_REINSTATE: "Agree to reinstate on version {version}, by somebody other than who proposed it.",
}


def explain(facts: Facts, policy: Policy, now: datetime) -> ExplainView:
    found = openings(facts, policy, now)
    return ExplainView(
        facts=_facts(facts, policy, now),
        policy_version=policy.version,
        capabilities={capability.value: _opening(found.get(capability)) for capability in Capability},
    )


def openings(facts: Facts, policy: Policy, now: datetime) -> dict[Capability, Path]:
    """For each capability the shortest way to open it, empty if it is open; absent if there is none."""
    found: dict[Capability, Path] = {}
    ways: dict[Facts, Path] = {facts: ()}
    while ways:
        standing = [obstacles(reached, policy, now) for reached in ways]
        for path, stands in zip(ways.values(), standing, strict=True):
            for capability in _open(stands):
                found.setdefault(capability, path)
        if len(found) == len(Capability):
            break
        further: dict[Facts, Path] = {}
        for (reached, path), stands in zip(ways.items(), standing, strict=True):
            for change, after in _mended(reached, stands, policy, now):
                further.setdefault(after, (*path, (change, reached)))
        ways = further
    return found


def _open(standing: Sequence[Obstacle]) -> Iterator[Capability]:
    closed = {capability for obstacle in standing for capability in obstacle.closes}
    return (capability for capability in Capability if capability not in closed)


def _mended(
    facts: Facts, standing: Sequence[Obstacle], policy: Policy, now: datetime
) -> Iterator[tuple[Change, Facts]]:
    """Each change that is made because of what stands here, where it is allowed."""
    mending = {change for obstacle in standing for change in cures(obstacle)}
    for change in CHANGES:
        after = apply(facts, change, policy, now) if change in mending else None
        if after is not None:
            yield change, after


def _opening(path: Path | None) -> OpeningView:
    if path is None:
        return OpeningView(open=False, changes=(), reason=NOTHING_OPENS)
    return OpeningView(open=not path, changes=tuple(_change(*step) for step in path), reason=None)


def _change(change: Change, before: Facts) -> ChangeView:
    asked = ", ".join(before.fields_requested)
    detail = DETAILS[change].format(
        version=before.dossier_version,
        fields=f": {asked}" if asked else "",
        also=f", and with it what was asked for: {asked}" if asked else "",
    )
    return ChangeView(change=change.value, detail=detail, who=tuple(who.value for who in change.who))


def _facts(facts: Facts, policy: Policy, now: datetime) -> FactsView:
    ages = [(str(kind), at, at + policy.document_max_age) for kind, at in facts.documents]
    return FactsView(
        as_of=now,
        state=facts.state,
        rejected_final=facts.rejected_final,
        dossier_version=facts.dossier_version,
        approved_dossier_version=facts.approved_dossier_version,
        rereview_due_at=facts.rereview_due_at,
        fields_requested=facts.fields_requested,
        proposals=facts.proposals,
        documents=tuple(DocumentAge(kind=kind, uploaded_at=at, expires_at=expires) for kind, at, expires in ages),
        active_contacts=facts.active_contacts,
    )
