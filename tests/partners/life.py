"""A partner's life at random against real PostgreSQL: what the service does is what the model foretold.

Several commands may come in one batch, which is one transaction; whatever is refused leaves no trace.
"""

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid4

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from sqlalchemy.ext.asyncio import create_async_engine

from contracts.decisions import ApprovePartner, Decide, ReinstatePartner, RejectPartner, RequestInfo
from contracts.failures import FAILURES
from contracts.message import Actor
from contracts.partners import DocumentKind, FileDossier, PartnerView, ReplaceContacts
from contracts.roles import Role
from services.chassis import Refusal, fetch_dicts
from services.partners.decisions.rules import Rules
from tests.partners.counter import Counter
from tests.partners.desk import contact, decision, person, told
from tests.partners.life_model import APPROVED, Model, Predicted

VERBS: dict[str, type[Decide]] = {
    "approve": ApprovePartner,
    "reject": RejectPartner,
    "request_info": RequestInfo,
    "reinstate": ReinstatePartner,
}
WRONG_REASON = {"approve": "FRAUD", "reinstate": "FRAUD", "reject": "ISSUE_RESOLVED", "request_info": "FRAUD"}
ROOTS = ("root-1", "root-2", "root-3", "root-4")
PEOPLE = 5
_ROW = """
    SELECT p.*, ARRAY(SELECT version FROM outbox WHERE aggregate_id = p.id ORDER BY version) AS told,
        ARRAY(SELECT decision FROM partner_approvals WHERE partner_id = p.id ORDER BY decided_at, id) AS decisions,
        (SELECT dossier_version FROM partner_approvals WHERE partner_id = p.id
            ORDER BY decided_at DESC LIMIT 1) AS named,
        ARRAY(SELECT version FROM dossiers WHERE partner_id = p.id ORDER BY version) AS versions,
        ARRAY(SELECT subject FROM partner_contacts WHERE partner_id = p.id AND status = 'ACTIVE') AS roster,
        ARRAY(SELECT subject FROM deactivations WHERE partner_id = p.id AND status = 'pending') AS waiting,
        (SELECT proposed_by FROM approval_proposals WHERE partner_id = p.id AND closed_at IS NULL) AS proposed_by
    FROM partners p WHERE id = $1
"""
T = TypeVar("T")

step = st.fixed_dictionaries(
    {
        "does": st.sampled_from(("file", "replace", "decide", "decide", "decide")),
        "person": st.integers(0, PEOPLE),
        "root": st.sampled_from(ROOTS),
        "by": st.sampled_from(("contact",) * 5 + ("root", "anybody")),
        "stays": st.sampled_from((True,) * 4 + (False,)),
        "new": st.sampled_from((True, True, False)),
        "kind": st.sampled_from(("kyb", "licensing")),
        "wanted": st.sets(st.sampled_from((*range(PEOPLE),) * 3 + (PEOPLE,)), max_size=4),
        "edited": st.sets(st.integers(0, PEOPLE), max_size=2),
        "verb": st.sampled_from(tuple(VERBS)),
        "fault": st.sampled_from(("",) * 12 + ("notes", "reason", "evidence", "dossier", "version")),
        "fraud": st.sampled_from((False,) * 5 + (True,)),
    }
)
Asked = tuple[Any, Actor, Predicted]


class World:
    """A database, an event loop for it, and one partner whose contact nobody else may have."""

    def __init__(self, dsn: str) -> None:
        self._runner = asyncio.Runner()
        hasty = {"server_settings": {"synchronous_commit": "off"}}  # the tests do not pull the plug
        self.engine = create_async_engine(dsn, connect_args=hasty)
        self.taken = f"taken-{uuid4()}"
        self.do(Counter(self.engine).submitted(person(self.taken, Role.PARTNER_ADMIN)))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def close(self) -> None:
        self.do(self.engine.dispose())
        self._runner.close()


class PartnerLife(RuleBasedStateMachine):
    world: ClassVar[World]

    @initialize(two=st.booleans(), others=st.integers(0, 2))
    def apply(self, two: bool, others: int) -> None:  # noqa: FBT001 - Hypothesis names them
        self.people = [*(f"p{n}-{uuid4()}" for n in range(PEOPLE)), self.world.taken]
        roster = self.people[: others + 1]
        self.counter = Counter(self.world.engine, ",".join(ROOTS), Rules(approvals_required=2 if two else 1))
        self.partner: PartnerView = self.world.do(self.counter.submitted(self._actor(roster[0]), *roster[1:]))
        self.model = Model(two, frozenset(ROOTS), frozenset({self.world.taken}), list(roster), set(ROOTS))
        self.model.makers = set(roster)
        self.roles = dict.fromkeys(self.people, "Director")
        self.seen = self.partner.updated_at

    @rule(roots=st.sets(st.sampled_from(ROOTS), min_size=2))
    def change_the_allowlist(self, roots: set[str]) -> None:
        self.model.allowed = set(roots)
        self.counter.allow(*roots)

    @rule(steps=st.lists(step, min_size=1, max_size=3))
    def hand_in_a_batch(self, steps: list[dict[str, Any]]) -> None:
        keys = [self._key(each["kind"]) if each["does"] == "file" and each["new"] else None for each in steps]
        before = self.model.version
        asked = [self._asked(each, key) for each, key in zip(steps, keys, strict=True)]

        outcomes = self.world.do(self.counter.batch(*((command, actor) for command, actor, _ in asked)))

        for outcome, (_, _, predicted) in zip(outcomes, asked, strict=True):
            if isinstance(outcome, Refusal):
                assert outcome.code == predicted
                assert not outcome.code.startswith("PARTNER_") or FAILURES[outcome.code].status == 409
            else:
                assert told(outcome) == predicted
        self._look(moved=self.model.version > before)

    def _asked(self, drawn: dict[str, Any], key: str | None) -> Asked:
        if drawn["does"] == "decide":
            return self._decide(drawn)
        roster = self.model.roster
        contact, anybody = roster[drawn["person"] % len(roster)], self.people[drawn["person"]]
        who = {"contact": contact, "root": ROOTS[0], "anybody": anybody}[drawn["by"]]
        return self._file(drawn, who, key) if drawn["does"] == "file" else self._replace(drawn, who)

    def _file(self, drawn: dict[str, Any], who: str, key: str | None) -> Asked:
        predicted = self.model.file(who, self.uploader, new=bool(key))
        current = {document.kind: document.object_key for document in self.partner.dossier.documents}
        key = key or current[drawn["kind"]]
        if not isinstance(predicted, str):
            self._know(drawn["kind"], key)
        command = FileDossier.model_validate({"partner_id": self.partner.id, f"{drawn['kind']}_object_key": key})
        return command, self._actor(who), predicted

    def _replace(self, drawn: dict[str, Any], who: str) -> Asked:
        wanted = self.model.roster[:1] if drawn["stays"] else []
        wanted += [name for n in sorted(drawn["wanted"]) if (name := self.people[n]) not in wanted]
        edited = [self.people[n] for n in sorted(drawn["edited"]) if self.people[n] in wanted]
        roles = self.roles | {name: f"{self.roles[name]}." for name in edited}
        version = self.model.version - (drawn["fault"] == "version")
        predicted = self.model.replace(who, wanted, edited, stale=version != self.model.version)
        if not isinstance(predicted, str):
            self.roles = roles
        contacts = tuple(contact(name, role=roles[name]) for name in wanted)
        command = ReplaceContacts(partner_id=self.partner.id, expected_version=version, contacts=contacts)
        return command, self._actor(who), predicted

    def _decide(self, drawn: dict[str, Any]) -> Asked:
        verb, fault = drawn["verb"], drawn["fault"]
        fraud = drawn["fraud"] and verb == "reject"
        sent: dict[str, Any] = {
            "expected_version": self.model.version - (fault == "version"),
            "dossier_version": self.model.dossier + (fault == "dossier"),
            "evidence": ("nothing",) if fault == "evidence" else (),
            "reason_code": WRONG_REASON[verb] if fault == "reason" else "FRAUD" if fraud else None,
        }
        if fault == "notes":
            sent["notes"] = "short"
        predicted = self.model.decide(drawn["root"], verb, fault, fraud=fraud)
        return decision(self.partner.id, VERBS[verb], **sent), self._actor(drawn["root"]), predicted

    def _key(self, kind: str) -> str:
        """A document that is there, uploaded by somebody who is in the roster now."""
        self.uploader = self.model.roster[0]
        upload = self.counter.upload(self._actor(self.uploader), DocumentKind(kind), self.partner.id)
        return self.world.do(upload)[0]

    uploader = ""

    def _know(self, kind: str, key: str) -> None:
        documents = tuple(
            document.model_copy(update={"object_key": key}) if document.kind == kind else document
            for document in self.partner.dossier.documents
        )
        dossier = self.partner.dossier.model_copy(update={"documents": documents})
        self.partner = self.partner.model_copy(update={"dossier": dossier})

    def _actor(self, subject: str) -> Actor:
        return person(subject, Role.ROOT_ADMIN if subject in ROOTS else Role.PARTNER_ADMIN)

    def _look(self, *, moved: bool) -> None:
        """What is stored is what the model says, and what must always hold holds."""
        row, model = self.world.do(self._row(self.partner.id)), self.model
        known = (model.state, model.version, model.dossier, model.approved, model.final, model.proposal)
        stored = tuple(row[name] for name in ("state", "version", "dossier_version", "approved_dossier_version"))
        assert (*stored, row["rejected_final"], row["proposed_by"]) == known
        assert sorted(row["roster"]) == sorted(model.roster)
        assert sorted(set(row["waiting"])) == sorted(model.left), "whoever left is to be deactivated, nobody else"
        assert row["told"] == list(range(1, model.version + 1)), "versions without a gap"
        assert row["versions"] == list(range(1, model.dossier + 1))
        self._look_at_time(row["updated_at"], moved=moved)
        grants = [verdict for verdict in row["decisions"] if verdict in ("APPROVED", "REINSTATED")]
        assert len(grants) == model.grants
        if model.state == APPROVED:
            assert row["decisions"], "no way to APPROVED without a decision"
            assert (row["decisions"][-1], row["named"]) == (grants[-1], model.approved)
        changed_since = model.state == APPROVED and model.approved != model.dossier
        assert (row["rereview_due_at"] is not None) == changed_since

    def _look_at_time(self, updated_at: datetime, *, moved: bool) -> None:
        assert updated_at > self.seen if moved else updated_at == self.seen
        self.seen = updated_at

    async def _row(self, partner_id: UUID) -> dict[str, Any]:
        async with self.world.engine.connect() as connection:
            (row,) = await fetch_dicts(connection, _ROW, partner_id)
        return row
