"""The gate: one pure function decides what a partner may do, and the same function says what is missing (K1, K8).

Takes `Facts` of a partner (`aggregate.facts_of`), a `Policy` and a moment; gives a verdict for each `Capability`,
the requirements list and the explanation. Does no I/O, save for the two queries in `queries.py`, which only load.
Callers: `verdict = decide(facts, policy, Capability.INVOICE_CREATE, call.now)`, and `as_refusal(verdict)` if `Closed`.
"""

from services.partners.gate.aggregate import facts_of
from services.partners.gate.changes import Change, apply
from services.partners.gate.decide import Closed, Open, as_refusal, decide
from services.partners.gate.explain import explain, openings
from services.partners.gate.facts import DOSSIER, Capability, Facts, Policy
from services.partners.gate.obstacles import Obstacle, obstacles
from services.partners.gate.requirements import requirements

__all__ = [
    "DOSSIER",
    "Capability",
    "Change",
    "Closed",
    "Facts",
    "Obstacle",
    "Open",
    "Policy",
    "apply",
    "as_refusal",
    "decide",
    "explain",
    "facts_of",
    "obstacles",
    "openings",
    "requirements",
]
