"""A14, A16, S1.46: what the log answers."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
import pytest
from pydantic import ValidationError

from contracts.audit import EventPage, GetCheckpoint, ListEvents
from contracts.message import Actor, ActorType, Context
from contracts.roles import Role
from services.audit.queries import get_checkpoint, list_events
from services.chassis import Call, Outcome, Read, Refusal, Reply
from services.chassis.replies import to_json
from tests.audit.ledger import Ledger, event, record, story

pytestmark = pytest.mark.asyncio

AUDITOR = Actor(type=ActorType.USER, issuer="https://id.example", subject="aud", roles=frozenset({Role.AUDITOR}))
CALL = Call(AUDITOR, Context(request_id="r", command_id=uuid4()), uuid4(), datetime.now(UTC))


async def ask(ledger: Ledger, **filters: Any) -> EventPage:
    async with ledger.engine.connect() as connection:
        outcome = await list_events(ListEvents(**filters), CALL, Read(connection))
    assert isinstance(outcome, Reply)
    assert isinstance(outcome.body, EventPage)
    return outcome.body


async def newest(ledger: Ledger) -> Outcome:
    async with ledger.engine.connect() as connection:
        return await get_checkpoint(GetCheckpoint(), CALL, Read(connection))


def by(subject: str) -> dict[str, Any]:
    return {"type": "user", "issuer": "https://id.example", "subject": subject}


async def test_one_query_gives_a_partners_whole_timeline(ledger: Ledger) -> None:  # S1.46
    partner = str(uuid4())
    about = [{"type": "partner", "id": partner}]
    refused = event(aggregate_type="command", targets=about, outcome="REJECTED", reason_code="NOTES_REQUIRED")
    approved = event(2, targets=[{"type": "admin", "id": "root-1"}, *about])
    await ledger.take(story(3), [record(event(targets=about)), record(refused)], story(2), [record(approved)])

    page = await ask(ledger, target_type="partner", target_id=partner)

    assert [(told.position, told.outcome) for told in page.data] == [
        (3, "SUCCEEDED"),
        (4, "REJECTED"),
        (7, "SUCCEEDED"),
    ]
    assert not page.has_more


async def test_an_event_is_given_as_it_was_recorded(ledger: Ledger) -> None:
    told = event(data={"text": "zero \0 byte"}, from_a_later_version=True)
    await ledger.take([record(told)])

    (given,) = (await ask(ledger)).data

    (row,) = ledger.rows("SELECT recorded_at, encode(leaf_hash, 'hex') AS leaf_hash FROM events")
    answer = orjson.loads(to_json(given))
    assert answer["context"] == told["context"]
    assert answer["data"] == told["data"]
    assert (answer["position"], answer["leaf_hash"]) == (0, row["leaf_hash"])
    assert given.recorded_at == row["recorded_at"]


async def test_pages_follow_each_other_without_gap_or_overlap(ledger: Ledger) -> None:
    await ledger.take(story(7))
    seen: list[int] = []

    page = await ask(ledger, limit=3)
    seen += [told.position for told in page.data]
    while page.has_more:
        page = await ask(ledger, limit=3, starting_after=seen[-1])
        seen += [told.position for told in page.data]

    assert seen == list(range(7))


async def test_filters_narrow_each_other(ledger: Ledger) -> None:
    mine, partner = uuid4(), str(uuid4())
    target = [{"type": "partner", "id": partner}]
    await ledger.take(
        [
            record(event(1, mine, actor=by("maria"), targets=target)),
            record(event(2, mine, actor=by("eve"), targets=target)),
            record(event(1, actor=by("eve"), targets=target)),
            record(event(1, actor=by("eve"), type="partner.refused"), topic="partner.refused"),
        ]
    )

    async def positions(**filters: Any) -> list[int]:
        return [told.position for told in (await ask(ledger, **filters)).data]

    assert await positions(actor="eve") == [1, 2, 3]
    assert await positions(aggregate_id=mine) == [0, 1]
    assert await positions(action="partner.refused") == [3]
    assert await positions(actor="eve", target_type="partner", target_id=partner) == [1, 2]
    assert await positions(actor="eve", target_type="partner", target_id=partner, aggregate_id=mine) == [1]
    assert await positions(actor="nobody") == []
    assert await positions(actor="eve' OR true --") == []


async def test_half_a_target_is_refused() -> None:
    with pytest.raises(ValidationError, match="go together"):
        ListEvents(target_type="partner")


async def test_the_newest_checkpoint_is_given_as_a_note_that_can_be_checked(ledger: Ledger) -> None:
    nothing = await newest(ledger)
    await ledger.take(story(2), story(3))

    found = await newest(ledger)

    assert isinstance(nothing, Refusal)
    assert isinstance(found, Reply)
    view: Any = found.body
    signed = ledger.signer.verifier.checkpoint(view.note)
    assert (view.size, view.root) == (signed.size, signed.root.hex()) == (5, (await ledger.verify()).root)


async def test_a_checkpoint_needs_the_role_of_an_auditor_or_root_admin() -> None:  # A13
    assert GetCheckpoint.roles == {Role.AUDITOR, Role.ROOT_ADMIN}
