"""What a partner's life must be, told a second time and without a line of the service: who may, what happens, why not.

Every method is one command. It answers with the events that must be told, in order, or with the failure code, and
moves on only in the first case.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

Told = list[str]
Predicted = Told | str

REVIEW, ASKED, APPROVED, REJECTED, SUSPENDED = (
    "PENDING_REVIEW",
    "INFO_REQUESTED",
    "APPROVED",
    "REJECTED",
    "SUSPENDED",
)
MOVES = {
    (REVIEW, "approve"): (APPROVED, ["partner.approved"]),
    (REVIEW, "reject"): (REJECTED, ["partner.rejected"]),
    (REVIEW, "request_info"): (ASKED, ["partner.info_requested"]),
    (ASKED, "reject"): (REJECTED, ["partner.rejected"]),
    (APPROVED, "reject"): (SUSPENDED, ["partner.rejected", "partner.suspended"]),
    (SUSPENDED, "reinstate"): (APPROVED, ["partner.reinstated"]),
}
FAULTS = {
    "notes": "NOTES_REQUIRED",
    "reason": "REASON_CODE_INVALID",
    "evidence": "EVIDENCE_REF_INVALID",
    "dossier": "DOSSIER_CHANGED",
    "version": "PRECONDITION_FAILED",
}
EARLY, LATE = ("notes", "reason", "evidence"), ("dossier", "version")


@dataclass(slots=True)
class Model:
    """`taken` are people of other partners; `makers` had a hand in the dossier or in the roster at any time."""

    two: bool
    roots: frozenset[str]
    taken: frozenset[str]
    roster: list[str]
    allowed: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    makers: set[str] = field(default_factory=set)
    state: str = REVIEW
    version: int = 1
    dossier: int = 1
    approved: int | None = None
    final: bool = False
    proposal: str | None = None
    grants: int = 0

    def file(self, who: str, uploader: str, *, new: bool) -> Predicted:
        """A document, which is the one in force already or another."""
        if stopped := self._outsider(who):
            return stopped
        if self.final:
            return "PARTNER_REJECTED_FINAL"
        return self._moved(self._filed({who, uploader})) if new else []

    def replace(self, who: str, wanted: Sequence[str], edited: Sequence[str], *, stale: bool) -> Predicted:
        """The whole roster; of those who stay, `edited` have another role than before."""
        if stopped := self._outsider(who):
            return stopped
        gone = [person for person in self.roster if person not in wanted]
        come = [person for person in wanted if person not in self.roster]
        if len(gone) == len(self.roster) and not (come and who in self.roots):
            return "LAST_CONTACT"
        if self.taken & set(come):
            return "SUBJECT_ALREADY_REGISTERED"
        if stale:
            return "PRECONDITION_FAILED"
        if come and self.final:
            return "PARTNER_REJECTED_FINAL"
        changed = [person for person in edited if person in self.roster and person in wanted]
        told = ["partner.contact.removed"] * len(gone)
        told += ["partner.contact.updated"] * len(changed) + ["partner.contact.added"] * len(come)
        self.roster = [person for person in self.roster if person in wanted] + come
        self.left = (self.left | set(gone)) - set(come)
        self.makers |= {*gone, *come}
        if come or (told and self.state == ASKED):
            told += self._filed({who})
        return self._moved(told)

    def decide(self, who: str, verb: str, fault: str, *, fraud: bool) -> Predicted:
        """On what is there now, with at most one fault in the request."""
        if who not in self.allowed:
            return "ROOT_ADMIN_REQUIRED"
        if fault in EARLY:
            return FAULTS[fault]
        shared = self.two and verb in ("approve", "reinstate")
        if who in self.makers | {*self.roster} or (shared and self.proposal == who):
            return "MAKER_CHECKER_VIOLATION"
        again = self.state == APPROVED and verb == "approve" and self.approved != self.dossier
        move = MOVES[REVIEW, verb] if again else MOVES.get((self.state, verb))
        if move is None:
            return "PARTNER_REJECTED_FINAL" if self.final else "PARTNER_STATE_INVALID"
        if fault in LATE:
            return FAULTS[fault]
        return self._moved(self._decided(who, *move, shared=shared, fraud=fraud))

    def _decided(self, who: str, state: str, told: Told, *, shared: bool, fraud: bool) -> Told:
        lapsed = []
        if self.proposal and self.proposal not in self.allowed:
            self.proposal, lapsed = None, ["partner.proposal_lapsed"]
        if shared and self.proposal is None:
            self.proposal = who
            return [*lapsed, "partner.approval_proposed"]
        after = [] if shared or not self.proposal else ["partner.proposal_lapsed"]
        self.state, self.proposal = state, None
        self.approved = self.dossier if state == APPROVED else None
        self.grants += state == APPROVED
        self.final = state == REJECTED and fraud
        return [*lapsed, *told, *after]

    def _filed(self, makers: set[str]) -> Told:
        self.dossier += 1
        self.makers |= makers
        if self.state in (ASKED, REJECTED):
            self.state = REVIEW
        lapsed = ["partner.proposal_lapsed"] if self.proposal else []
        self.proposal = None
        return ["partner.dossier_filed", *lapsed]

    def _outsider(self, who: str) -> str | None:
        if who in self.roster or (who in self.roots and who in self.allowed):
            return None
        if who in self.left:
            return "CONTACT_REMOVED"
        return "ROOT_ADMIN_REQUIRED" if who in self.roots else "NOT_FOUND"

    def _moved(self, told: Told) -> Told:
        self.version += len(told)
        return told
