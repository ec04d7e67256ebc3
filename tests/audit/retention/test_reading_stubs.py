"""A10, A14: a purged event is shown as what it is, and nothing else in the log reads differently for it."""

from uuid import UUID

import pytest

from contracts.audit import EventProof, GetEvent, ProveEvent
from contracts.failures import Code
from services.audit.merkle import verify_inclusion
from services.audit.proofs import Prover
from services.audit.queries import get_event
from services.chassis import Refusal, Reply
from tests.audit.asking import Asking, staff
from tests.audit.retention.purging import PARTNER, TENANT, Purging, reading, told

pytestmark = pytest.mark.asyncio


async def purged(purging: Purging) -> Asking:
    """Positions 0, 2 and 3 are stubs; 5 named them."""
    await purging.ledger.take(
        [reading(), told("partner.approved", ("partner", PARTNER)), told("audit.read", ("partner", PARTNER))],
        [told("staff.refused", ("tenant", TENANT)), told("membership.granted", ("tenant", TENANT))],
    )
    purging.grow_older(800)
    await purging.purge()
    assert purging.stubs == [0, 2, 3]
    return Asking(purging.ledger)


async def test_lists_show_a_stub_in_its_place_and_go_on_after_it(purging: Purging) -> None:
    asking = await purged(purging)

    page = await asking.page()

    by = page.data[5]
    assert by.type == "audit.purged"
    assert [event.position for event in page.data] == [0, 1, 2, 3, 4, 5]
    for event in page.data:
        if event.position not in purging.stubs:
            assert event.purged is None
            assert event.data is not None
            continue
        assert event.purged
        assert (event.purged.by_event, event.purged.at) == (by.id, by.recorded_at)
        assert (event.actor, event.context, event.data, event.outcome, event.targets) == (None, None, None, None, ())
    assert [await asking.positions(limit=limit) for limit in (1, 2, 5)] == [[0, 1, 2, 3, 4, 5]] * 3
    assert await asking.positions(starting_after=page.data[2].id) == [3, 4, 5]


async def test_a_stub_is_found_by_what_is_left_of_it_and_by_nothing_else(purging: Purging) -> None:
    asking = await purged(purging)
    stub = (await asking.page()).data[2]

    assert await asking.positions(action="audit.read") == [0, 2]
    assert await asking.positions(aggregate_id=stub.aggregate_id) == [2]
    assert await asking.positions(target=str(PARTNER)) == [1]
    assert await asking.positions(person="root-admin-1") == [1, 4]
    assert await asking.positions(outcome="SUCCEEDED") == [1, 4, 5]
    assert await asking.positions(**{"from": stub.recorded_at, "to": (await asking.page()).data[5].recorded_at}) == [
        *range(5)
    ]


async def test_one_stub_is_shown_by_its_id_and_still_proven(purging: Purging) -> None:
    asking = await purged(purging)
    stub = (await asking.page()).data[2]
    verifier = purging.ledger.signer.verifier

    shown = await asking.ask(GetEvent(event_id=stub.id), get_event)
    proven = await asking.ask(ProveEvent(event_id=stub.id), Prover(verifier).prove_event)

    assert isinstance(shown, Reply)
    assert shown.body == stub
    assert isinstance(proven, Reply)
    assert isinstance(proven.body, EventProof)
    assert (proven.body.leaf_hash, proven.body.position) == (stub.leaf_hash, 2)
    assert verify_inclusion(
        bytes.fromhex(stub.leaf_hash),
        2,
        6,
        [bytes.fromhex(node) for node in proven.body.path],
        verifier.checkpoint(proven.body.checkpoint).root,
    )


async def test_whom_a_stub_was_about_is_forgotten_so_no_owner_is_shown_it(purging: Purging) -> None:
    asking = await purged(purging)
    stub = (await asking.page()).data[3]

    answered = await Asking(purging.ledger, staff(UUID(int=9))).ask(GetEvent(event_id=stub.id), get_event)

    assert isinstance(answered, Refusal)
    assert answered.code is Code.NOT_FOUND


async def test_an_event_that_comes_again_after_its_purge_is_known(purging: Purging) -> None:
    again = reading()
    await purging.ledger.take([again])
    purging.grow_older(800)
    await purging.purge()

    await purging.ledger.take([again])

    assert purging.ledger.positions == [0, 1]
    assert purging.ledger.letters == []
