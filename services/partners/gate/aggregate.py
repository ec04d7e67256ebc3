"""From the loaded partner to the facts: the one path for commands, queries and workers."""

from services.partners.gate.facts import DOSSIER, Facts
from services.partners.partner import Partner


def facts_of(partner: Partner) -> Facts:
    return Facts(
        state=partner.state,
        rejected_final=partner.rejected_final,
        dossier_version=partner.dossier_version,
        approved_dossier_version=partner.approved_dossier_version,
        rereview_due_at=partner.rereview_due_at,
        fields_requested=tuple(partner.fields_requested),
        proposals=int(partner.proposal is not None),
        documents=tuple((d.kind, d.uploaded_at) for d in partner.documents if d.kind in DOSSIER),
        active_contacts=len(partner.roster),
    )
