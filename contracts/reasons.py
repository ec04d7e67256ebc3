"""Reason codes of decisions as data (K5): which verdicts each may explain, and whether a rejection by it is final."""

from typing import NamedTuple

from contracts.decisions import Verdict

_V = Verdict


class Reason(NamedTuple):
    title: str
    verdicts: frozenset[Verdict]
    final: bool = False


def _reason(title: str, *verdicts: Verdict, final: bool = False) -> Reason:
    return Reason(title, frozenset(verdicts), final)


REASONS: dict[str, Reason] = {
    "DOCUMENTS_IN_ORDER": _reason("The documents are in order", _V.APPROVED, _V.REINSTATED),
    "ISSUE_RESOLVED": _reason("What stood against it is resolved", _V.APPROVED, _V.REINSTATED),
    "DOCUMENT_UNREADABLE": _reason("A document can't be read", _V.INFO_REQUESTED, _V.REJECTED),
    "DOCUMENT_EXPIRED": _reason("A document is out of date", _V.INFO_REQUESTED, _V.REJECTED, _V.SUSPENDED),
    "DOCUMENT_INCOMPLETE": _reason("A document lacks pages or signatures", _V.INFO_REQUESTED, _V.REJECTED),
    "DATA_MISMATCH": _reason("Documents and application differ", _V.INFO_REQUESTED, _V.REJECTED),
    "ROSTER_UNVERIFIED": _reason("A contact could not be verified", _V.INFO_REQUESTED, _V.REJECTED),
    "LICENCE_INVALID": _reason("The licence is not valid", _V.REJECTED, _V.SUSPENDED),
    "OWNERSHIP_UNCLEAR": _reason("Beneficial ownership is not clear", _V.INFO_REQUESTED, _V.REJECTED),
    "COMPLIANCE_BREACH": _reason("A rule of the desk was broken", _V.SUSPENDED),
    "RISK_REVIEW": _reason("A risk is being looked into", _V.SUSPENDED),
    "PARTNER_REQUEST": _reason("The partner asked for it", _V.REJECTED, _V.SUSPENDED),
    "OFFBOARDED": _reason("The partner leaves", _V.SUSPENDED),
    "SANCTIONS_HIT": _reason("A sanctions list names the partner", _V.REJECTED, _V.SUSPENDED, final=True),
    "FRAUD": _reason("The application is fraudulent", _V.REJECTED, _V.SUSPENDED, final=True),
}
