"""The whole decision table of S2.30-35: what stands in this tenant against what is asked for.

An owner is never overwritten, nobody changes by accident, and a revoked person comes back in a new period.
"""

from enum import StrEnum

from contracts.provisioning import IfExists
from contracts.staffing import MembershipKind, Standing
from services.staffing.staff import Staff, Wanted


class Decision(StrEnum):
    CREATE = "create"
    LEAVE = "leave"
    DIFFERS = "differs"
    UPDATE = "update"
    REACTIVATE = "reactivate"
    OWNER_STANDS = "owner_stands"


def decide_provisioning(standing: Staff | None, wanted: Wanted, if_exists: IfExists) -> Decision:
    if standing is None:
        return Decision.CREATE
    match standing.membership_kind, standing.profile_status, not standing.diff(wanted), if_exists:
        case MembershipKind.OWNER, _, _, _:
            return Decision.OWNER_STANDS
        case MembershipKind.MEMBER, Standing.REVOKED, _, _:
            return Decision.REACTIVATE
        case MembershipKind.MEMBER, Standing.ACTIVE, True, _:
            return Decision.LEAVE
        case MembershipKind.MEMBER, Standing.ACTIVE, False, IfExists.UPDATE:
            return Decision.UPDATE
        case _:
            return Decision.DIFFERS
