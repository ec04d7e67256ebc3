"""A root admin puts a partner under legal hold and ends it; each is told once, and not to the partner."""

from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.legal_holds import HoldPartner, HoldView, PartnerHeld, ReleasePartner
from contracts.message import Actor, Context
from contracts.partners import GetTimeline, TimelinePage
from services.chassis import Call, Outcome, Read, Reply
from services.partners.queries import get_timeline
from tests.partners.counter import Counter, somebody
from tests.partners.desk import ADA, IMPOSTOR, NOON, ROOT, Office, code, told

REASON = "court order 2026/114"


def held(outcome: Outcome) -> bool:
    assert isinstance(outcome, Reply), outcome
    assert isinstance(outcome.body, HoldView)
    return outcome.body.held


def test_a_hold_is_placed_once_and_released_once() -> None:
    office = Office()
    partner_id = office.submitted()
    place, release = (kind(partner_id=partner_id, reason=REASON) for kind in (HoldPartner, ReleasePartner))

    outcomes = [office.run(command, ROOT) for command in (place, place, release, release)]

    assert [told(outcome) for outcome in outcomes] == [
        ["partner.legal_hold_placed"],
        [],
        ["partner.legal_hold_released"],
        [],
    ]
    assert [held(outcome) for outcome in outcomes] == [True, True, False, False]
    assert isinstance(outcomes[0], Reply)
    assert isinstance(outcomes[0].facts[0].data, PartnerHeld)
    assert (outcomes[0].facts[0].targets[0].type, outcomes[0].facts[0].targets[0].id) == ("partner", str(partner_id))


def test_only_allowlisted_root_admins_may() -> None:
    office = Office()
    partner_id = office.submitted()

    for kind in (HoldPartner, ReleasePartner):
        assert code(office.run(kind(partner_id=partner_id, reason=REASON), ADA)) == "ROOT_ADMIN_REQUIRED"
        assert code(office.run(kind(partner_id=partner_id, reason=REASON), IMPOSTOR)) == "ROOT_ADMIN_REQUIRED"
        assert code(office.run(kind(partner_id=uuid4(), reason=REASON), ROOT)) == "NOT_FOUND"


async def test_a_hold_is_stored_and_its_partner_does_not_read_of_it(engine: AsyncEngine) -> None:
    counter = Counter(engine)
    ada = somebody()
    partner = await counter.submitted(ada)

    await counter.run(HoldPartner(partner_id=partner.id, reason=REASON), ROOT)
    again = await counter.run(HoldPartner(partner_id=partner.id, reason=REASON), ROOT)

    assert (told(again), held(again)) == ([], True)
    assert await timeline(engine, partner.id, ada) == ["partner.submitted"]
    assert await timeline(engine, partner.id, ROOT) == ["partner.submitted", "partner.legal_hold_placed"]


async def timeline(engine: AsyncEngine, partner_id: UUID, reader: Actor) -> list[str]:
    call = Call(reader, Context(request_id="r", command_id=uuid4()), uuid4(), NOON)
    async with engine.connect() as connection:
        answer = await get_timeline(GetTimeline(partner_id=partner_id), call, Read(connection))
    assert isinstance(answer, Reply), answer
    assert isinstance(answer.body, TimelinePage)
    return [entry.type for entry in answer.body.data]
