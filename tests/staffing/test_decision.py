"""The decision table of S2.30-35, every cell."""

import itertools
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from contracts.provisioning import IfExists
from contracts.staffing import MembershipKind, Standing
from services.staffing.provisioning.decision import Decision, decide_provisioning
from services.staffing.staff import Assignment, Staff, Wanted

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


EXPECTED: dict[tuple[MembershipKind, Standing, IfExists], tuple[str, str]] = {
    # who stands there, and what the caller wants done:      with the same facts, with others
    (MembershipKind.OWNER, Standing.ACTIVE, IfExists.REFUSE): ("owner_stands", "owner_stands"),
    (MembershipKind.OWNER, Standing.ACTIVE, IfExists.UPDATE): ("owner_stands", "owner_stands"),
    (MembershipKind.OWNER, Standing.REVOKED, IfExists.REFUSE): ("owner_stands", "owner_stands"),
    (MembershipKind.OWNER, Standing.REVOKED, IfExists.UPDATE): ("owner_stands", "owner_stands"),
    (MembershipKind.MEMBER, Standing.ACTIVE, IfExists.REFUSE): ("leave", "differs"),
    (MembershipKind.MEMBER, Standing.ACTIVE, IfExists.UPDATE): ("leave", "update"),
    (MembershipKind.MEMBER, Standing.REVOKED, IfExists.REFUSE): ("reactivate", "reactivate"),
    (MembershipKind.MEMBER, Standing.REVOKED, IfExists.UPDATE): ("reactivate", "reactivate"),
}
"""The table of the runbook, read line by line (S2.30-35)."""


def test_every_cell_has_an_expectation() -> None:
    assert set(EXPECTED) == set(itertools.product(MembershipKind, Standing, IfExists))


@pytest.mark.parametrize("if_exists", IfExists)
def test_nobody_there_is_created(if_exists: IfExists) -> None:  # S2.30
    assert decide_provisioning(None, ASKED, if_exists) is Decision.CREATE


@pytest.mark.parametrize("facts", FACTS)
@pytest.mark.parametrize("cell", EXPECTED, ids="-".join)
def test_somebody_there_is_decided_by_the_table(cell: tuple[MembershipKind, Standing, IfExists], facts: str) -> None:
    kind, profile, if_exists = cell
    somebody = standing(kind, profile, **FACTS[facts])  # type: ignore[arg-type]

    decision = decide_provisioning(somebody, ASKED, if_exists)

    same, other = EXPECTED[cell]
    assert decision == (same if facts == "same facts" else other)


def test_deciding_changes_nothing() -> None:
    for facts, if_exists in itertools.product(FACTS.values(), IfExists):
        somebody = standing(MembershipKind.MEMBER, Standing.ACTIVE, **facts)  # type: ignore[arg-type]
        before = repr(somebody)

        decide_provisioning(somebody, ASKED, if_exists)

        assert repr(somebody) == before


def test_a_branch_that_was_taken_away_is_no_standing_fact() -> None:  # S2.35
    somebody = standing(MembershipKind.MEMBER, Standing.ACTIVE, **SAME)  # type: ignore[arg-type]
    somebody.assignments[0].status = "REMOVED"

    assert somebody.diff(ASKED) == {"branch_ids": {"added": [str(MARKET)], "removed": []}}
