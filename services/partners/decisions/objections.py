"""Why a decision is refused, in one order for every verb, so that a refusal tells the first thing that is wrong."""

from collections.abc import Iterator

from contracts.failures import Code, FieldError
from services.chassis import Refusal
from services.partners.decisions.verbs import Case
from services.partners.partner import person_of

NOTES = range(10, 1025)


def first_objection(case: Case) -> Refusal | None:
    """None where the case may be decided."""
    return next(_objections(case), None)


def _objections(case: Case) -> Iterator[Refusal]:
    partner, command = case.partner, case.command
    if len(command.notes) not in NOTES:
        yield Refusal(Code.NOTES_REQUIRED)
    if command.reason_code is not None and command.reason_code not in case.reasons:
        yield Refusal(Code.REASON_CODE_INVALID, extra={"reasons": case.reasons})
    yield from _wrong_evidence(case)
    if partner.is_maker(case.actor) or _proposed_it(case):
        yield Refusal(Code.MAKER_CHECKER_VIOLATION)
    if case.verdict is None and partner.rejected_final:
        yield Refusal(Code.PARTNER_REJECTED_FINAL)
    if case.verdict is None:
        yield Refusal(Code.PARTNER_STATE_INVALID, f"the partner is {partner.state}")
    if command.dossier_version != partner.dossier_version:
        yield Refusal(Code.DOSSIER_CHANGED, f"the dossier is at version {partner.dossier_version}")
    if command.expected_version != partner.version:
        yield Refusal(Code.PRECONDITION_FAILED, f"the partner is at version {partner.version}")


def _wrong_evidence(case: Case) -> Iterator[Refusal]:
    """Evidence is part of the version that was named; one that is not in force ends as DOSSIER_CHANGED anyway."""
    partner, command = case.partner, case.command
    known = {document.object_key for document in partner.documents}
    errors = [
        FieldError(pointer=f"/evidence/{n}", code=Code.EVIDENCE_REF_INVALID, detail="not part of the reviewed dossier")
        for n, key in enumerate(command.evidence)
        if key not in known
    ]
    if errors and command.dossier_version == partner.dossier_version:
        yield Refusal(Code.EVIDENCE_REF_INVALID, extra={"errors": errors})


def _proposed_it(case: Case) -> bool:
    """Two agreements of one person are one."""
    proposal = case.partner.proposal
    return case.shared and proposal is not None and proposal.author == person_of(case.actor)
