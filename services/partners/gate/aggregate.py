"""From the loaded partner to the facts: the one path for commands, queries and workers."""

from services.partners.decisions.proposals import author_still_counts
from services.partners.gate.facts import DOSSIER, Facts
from services.partners.partner import Partner
from services.wire.allowlist import Allowlist


def facts_of(partner: Partner, root_admins: Allowlist | None = None) -> Facts:
    """With the allowlist a proposal whose author has left it counts no more (K7); what is open is the same without."""
    proposal = partner.proposal
    counts = proposal is not None and (root_admins is None or author_still_counts(proposal, root_admins))
    return Facts(
        state=partner.state,
        rejected_final=partner.rejected_final,
        dossier_version=partner.dossier_version,
        approved_dossier_version=partner.approved_dossier_version,
        rereview_due_at=partner.rereview_due_at,
        fields_requested=partner.fields_requested,
        proposals=int(counts),
        documents=tuple((d.kind, d.uploaded_at) for d in partner.documents if d.kind in DOSSIER),
        active_contacts=len(partner.roster),
    )
