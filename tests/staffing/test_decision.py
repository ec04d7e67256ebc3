"""The decision table of S2.30-35, every cell."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from contracts.staffing import MembershipKind, Standing
from services.staffing.staff import Assignment, Decision, Staff, Wanted, decide_provisioning

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
RIVERSIDE, MARKET = uuid4(), uuid4()
ASKED = Wanted("Dara", "CASHIER", (RIVERSIDE, MARKET))

SAME = {"display_name": "Dara", "role_key": "CASHIER", "branches": (MARKET, RIVERSIDE)}
OTHERS = {
    "other name": SAME | {"display_name": "Dara S."},
    "other role": SAME | {"role_key": "MANAGER"},
    "one branch less": SAME | {"branches": (RIVERSIDE,)},
    "one branch more": SAME | {"branches": (RIVERSIDE, MARKET, uuid4())},
    "another branch": SAME | {"branches": (RIVERSIDE, uuid4())},
    "no branch": SAME | {"branches": ()},
}
FACTS = {"same facts": SAME, **OTHERS}


def standing(
    kind: MembershipKind, profile: Standing, display_name: str, role_key: str, branches: tuple[UUID, ...]
) -> Staff:
    return Staff(
        id=uuid7(),
        version=4,
        tenant_id=uuid4(),
        account_id=uuid4(),
        membership_kind=kind,
        role_key=role_key,
        status=profile,
        display_name=display_name,
        profile_status=profile,
        active_since=NOON,
        created_at=NOON,
        updated_at=NOON,
        assignments=[Assignment(uuid7(), branch, "owner", NOON, "staff created") for branch in branches],
    )


def expected(kind: MembershipKind, profile: Standing, facts: str) -> Decision:
    """The table of the runbook, read line by line."""
    if kind is MembershipKind.OWNER:
        return Decision.OWNER_STANDS
    if profile is Standing.REVOKED:
        return Decision.REACTIVATE
    return Decision.LEAVE if facts == "same facts" else Decision.DIFFERS


def test_nobody_there_is_created() -> None:  # S2.30
    assert decide_provisioning(None, ASKED) is Decision.CREATE


@pytest.mark.parametrize("facts", FACTS)
@pytest.mark.parametrize("profile", Standing)
@pytest.mark.parametrize("kind", MembershipKind)
def test_somebody_there_is_decided_by_the_table(kind: MembershipKind, profile: Standing, facts: str) -> None:
    somebody = standing(kind, profile, **FACTS[facts])  # type: ignore[arg-type]

    assert decide_provisioning(somebody, ASKED) is expected(kind, profile, facts)


def test_deciding_changes_nothing() -> None:
    for facts in FACTS.values():
        somebody = standing(MembershipKind.MEMBER, Standing.ACTIVE, **facts)  # type: ignore[arg-type]
        before = repr(somebody)

        decide_provisioning(somebody, ASKED)

        assert repr(somebody) == before


def test_a_branch_that_was_taken_away_is_no_standing_fact() -> None:  # S2.35
    somebody = standing(MembershipKind.MEMBER, Standing.ACTIVE, **SAME)  # type: ignore[arg-type]
    somebody.assignments[0].status = "REMOVED"

    assert somebody.diff(ASKED) == {"branch_ids": {"added": [str(MARKET)], "removed": []}}
