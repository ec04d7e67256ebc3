"""What a partner sends in later: documents and people (S1.13, S1.42), and what that does to its case.

A new dossier version is filed when a document differs, when somebody joins the roster, and when a case that waits for
the partner is answered by any change (K3): `partner.dossier_filed` is the one event that tells of a state it moved.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from contracts.failures import Code
from contracts.partner_events import PartnerDossierFiled
from contracts.partners import PartnerState
from services.chassis import Call, Fact, Refusal
from services.partners.decisions.proposals import lapse
from services.partners.decisions.rules import Rules
from services.partners.partner import Partner
from services.partners.records import Document, Filing, Member, Proposal
from services.partners.roster import Changed

_S = PartnerState
RETURNED_TO_REVIEW = frozenset({_S.INFO_REQUESTED, _S.REJECTED})


@dataclass(slots=True)
class Filed:
    """What a command changed, to be written; nothing of it where it changed nothing."""

    facts: list[Fact] = field(default_factory=list)
    began: list[Member] = field(default_factory=list)
    changed: list[Member] = field(default_factory=list)
    filing: Filing | None = None
    lapsed: Proposal | None = None


def differing(partner: Partner, documents: Sequence[Document]) -> list[Document]:
    """The given documents that are not in force already."""
    current = {document.object_key for document in partner.documents}
    return [document for document in documents if document.object_key not in current]


def refuse_final(partner: Partner) -> Refusal | None:
    """A final rejection is not answered by a new dossier (K22)."""
    return Refusal(Code.PARTNER_REJECTED_FINAL) if partner.rejected_final else None


def take_in(partner: Partner, documents: Sequence[Document], roster: Changed, call: Call, rules: Rules) -> Filed:
    """Put new documents into force beside a roster that has changed already."""
    filed = Filed(roster.facts, roster.began, roster.changed)
    if documents or roster.began or (roster.facts and partner.state is _S.INFO_REQUESTED):
        filed.filing = partner.file(documents, call)
        filed.facts.append(_filed(partner, call, rules))
        if partner.proposal:
            filed.lapsed = partner.proposal
            filed.facts.append(lapse(partner, "DOSSIER_CHANGED", partner.updated_at))
    return filed


def _filed(partner: Partner, call: Call, rules: Rules) -> Fact:
    before = partner.state
    if before in RETURNED_TO_REVIEW:
        partner.state, partner.fields_requested = _S.PENDING_REVIEW, ()
    if before is _S.APPROVED and partner.rereview_due_at is None:
        partner.rereview_due_at = call.now + rules.rereview
    return partner.record(
        PartnerDossierFiled(
            dossier_version=partner.dossier_version,
            documents=tuple(partner.documents),
            contacts=tuple(partner.roster),
            previous_state=before,
            state=partner.state,
            rereview_due_at=partner.rereview_due_at,
        )
    )
