"""Partners in PostgreSQL: what is written is read, batch by batch, in few statements."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.decisions import ApprovePartner, ReinstatePartner, RejectPartner, RequestInfo
from contracts.message import Actor
from contracts.partners import DocumentKind, FileDossier, PartnerView, RecordRootAdmins
from contracts.roles import Role
from services.chassis import Outcome, Refusal, Reply, Write, fetch
from services.partners.decisions.rules import Rules
from services.partners.dossiers.store import load_uploads
from services.partners.partner import Partner
from services.partners.store_partners import load_partners
from tests.partners.counter import Counter, office_of, roster, somebody, stored
from tests.partners.desk import ROOT, ROOT_2, Office, contact, decision, person, view

pytestmark = pytest.mark.asyncio


async def found(engine: AsyncEngine, partner_id: UUID) -> Partner:
    """As a batch would find it."""
    async with engine.begin() as tx:
        partners = await load_partners(Write(tx), [partner_id], lock=True)
    return partners[partner_id]


async def test_a_partner_is_read_as_it_was_written(engine: AsyncEngine) -> None:
    office, partner_id = office_of()

    await stored(engine, office.book)

    async with engine.begin() as tx:
        uploads = await load_uploads(Write(tx), [partner_id])
    assert await found(engine, partner_id) == office.partner(partner_id)
    assert {upload.object_key for upload in uploads} == set(office.book.uploads)


async def test_a_partner_with_a_past_is_read_as_it_was_written(engine: AsyncEngine) -> None:
    """A whole life in one batch: what the book holds at the end is what another batch begins with."""
    actor = somebody()
    office = Office(approvals_required=2)
    partner_id = office.submitted(actor, f"b-{uuid4()}")
    view(office.decide(partner_id, RequestInfo))
    view(office.file(partner_id, actor))
    view(office.replace(partner_id, actor.subject, f"c-{uuid4()}", actor=actor))
    view(office.replace(partner_id, contact(actor.subject, role="Chair"), actor=actor))
    for root in (ROOT, ROOT_2):
        view(office.decide(partner_id, ApprovePartner, root))
    view(office.file(partner_id, actor, "kyb"))
    view(office.decide(partner_id, ApprovePartner))

    await stored(engine, office.book)

    assert await found(engine, partner_id) == office.partner(partner_id)


async def test_each_batch_continues_where_the_last_one_ended(engine: AsyncEngine) -> None:
    """The same life, one batch a command, with every kind of row changed after it was written."""
    actor, counter = somebody(), Counter(engine, rules=Rules(approvals_required=2))
    bea = f"b-{uuid4()}"
    partner = await counter.submitted(actor, bea)
    partner = view(await counter.run(roster(partner, contact(actor.subject, role="Chair")), actor))
    partner = view(await counter.file(partner.id, actor))
    partner = view(await counter.run(roster(partner, actor.subject, bea), actor))
    for kind, root in ((ApprovePartner, ROOT), (ApprovePartner, ROOT_2), (RejectPartner, ROOT)):
        partner = view(await counter.decide(partner, kind, root))
    partner = view(await counter.decide(partner, ReinstatePartner, ROOT))
    proposed = await found(engine, partner.id)
    partner = view(await counter.decide(partner, ReinstatePartner, ROOT_2))

    at_last = await found(engine, partner.id)
    assert proposed.proposal is not None
    assert (at_last.view(), at_last.proposal) == (partner, None)
    assert [(m.subject, m.status) for m in at_last.contacts] == [
        (actor.subject, "ACTIVE"),
        (bea, "REMOVED"),
        (bea, "ACTIVE"),
    ]
    rows = await rows_of(engine, "SELECT status FROM deactivations WHERE partner_id = $1", partner.id)
    assert rows == [("cancelled",)]


async def test_a_submission_and_an_update_in_one_batch_store_two_versions(engine: AsyncEngine) -> None:
    actor, counter = somebody(), Counter(engine)
    application = await counter.application(actor)
    partner_id = UUID(application.key())
    licence, _ = await counter.upload(actor, DocumentKind.LICENSING, partner_id)
    update = FileDossier(partner_id=partner_id, licensing_object_key=licence)

    replies = await counter.batch(
        (application, actor),
        (update, actor),
        (decision(partner_id, ApprovePartner, expected_version=2, dossier_version=2), ROOT),
    )

    assert view(replies[-1]).approved_dossier_version == 2
    rows = await rows_of(
        engine,
        "SELECT dossier_version, object_key FROM dossier_documents"
        " WHERE partner_id = $1 AND kind = 'licensing' ORDER BY 1",
        partner_id,
    )
    assert rows == [(1, application.licensing_object_key), (2, licence)]


async def test_somebody_moves_from_one_partner_to_another_within_one_batch(engine: AsyncEngine) -> None:  # S1.12
    counter, one, other = Counter(engine), somebody(), somebody()
    bea = f"b-{uuid4()}"
    first, second = await counter.submitted(one, bea), await counter.submitted(other)

    left, joined = await counter.batch((roster(first, one.subject), one), (roster(second, other.subject, bea), other))

    assert isinstance(left, Reply)
    assert [c.subject for c in view(joined).contacts] == [other.subject, bea]
    assert (await found(engine, first.id)).view() == view(left)


async def test_a_subject_in_two_rosters_at_once_acts_for_one_partner(engine: AsyncEngine) -> None:
    """S1.12, 50 rounds: two updates at once; one is taken, the other refused, as the chassis would try it again."""
    counter, one, other = Counter(engine), somebody(), somebody()
    first, second = await counter.submitted(one), await counter.submitted(other)

    for n in range(50):
        shared = f"shared-{n}-{uuid4()}"
        offers = ((first, one), (second, other))

        outcomes = await asyncio.gather(*(tried_twice(counter, *offer, shared) for offer in offers))

        refused = [outcome.code for outcome in outcomes if isinstance(outcome, Refusal)]
        assert refused == ["SUBJECT_ALREADY_REGISTERED"]
        first, second = [(await found(engine, each.id)).view() for each in (first, second)]


async def tried_twice(counter: Counter, read: PartnerView, actor: Actor, guest: str) -> Outcome:
    """Once more after a conflict, as `chassis.patience.wait_out` does it."""
    command = roster(read, actor.subject, guest)
    try:
        return await counter.run(command, actor)
    except IntegrityError:
        return await counter.run(command, actor)


async def test_the_allowlist_is_recorded_once_for_each_change(engine: AsyncEngine) -> None:  # S1.19
    counter, system = Counter(engine), person("partners")
    names = (f"a-{uuid4()}", f"b-{uuid4()}")

    replies = [await counter.run(RecordRootAdmins(subjects=subjects), system) for subjects in (names, names, names[:1])]

    facts = [len(reply.facts) for reply in replies if isinstance(reply, Reply)]
    assert facts == [1, 0, 1]
    assert await rows_of(engine, "SELECT subjects::text FROM root_admins") == [(f'["{names[0]}"]',)]


async def test_a_batch_of_any_size_costs_the_same_number_of_statements(engine: AsyncEngine) -> None:
    few = await statements_of(engine, 2)
    many = await statements_of(engine, 100)

    assert len(few) == len(many)


async def test_a_batch_of_applications_asks_for_nothing_that_it_does_not_need(engine: AsyncEngine) -> None:
    counter, actors = Counter(engine), [somebody() for _ in range(3)]
    batch = [(await counter.application(actor), actor) for actor in actors]

    with counted(engine) as statements:
        await counter.batch(*batch)

    reads = [each for each in statements if not each.startswith("INSERT") and "pg_attribute" not in each]
    assert len(reads) == 3, "partners, uploads, people"
    assert [each.split()[2] for each in statements if each.startswith("INSERT")] == [
        "partners",
        "person_keys",
        "partner_contacts",
        "dossiers",
        "dossier_documents",
        "reviews",
        "pages",
        "page_deliveries",
        "outbox",
    ]


async def statements_of(engine: AsyncEngine, partners: int) -> list[str]:
    """Of one batch in which each partner lives through everything there is."""
    counter = Counter(engine, rules=Rules(approvals_required=2))
    people = [(somebody(), f"b-{uuid4()}") for _ in range(partners)]
    reads = [await counter.submitted(actor, bea) for actor, bea in people]
    keys = [
        (await counter.upload(actor, DocumentKind.LICENSING, read.id))[0]
        for read, (actor, _) in zip(reads, people, strict=True)
    ]
    batch: list[tuple[Any, Actor]] = []
    for read, (actor, _), key in zip(reads, people, keys, strict=True):
        application = await counter.application(somebody())
        batch += [
            (application, person(application.contacts[0].subject, Role.PARTNER_ADMIN)),
            (decision(read.id, ApprovePartner), ROOT),
            (FileDossier(partner_id=read.id, licensing_object_key=key), actor),
            (roster(read.model_copy(update={"version": 4}), contact(actor.subject, role="Chair")), actor),
            (decision(read.id, ApprovePartner, expected_version=6, dossier_version=2), ROOT),
            (decision(read.id, ApprovePartner, expected_version=7, dossier_version=2), ROOT_2),
        ]
    with counted(engine) as statements:
        outcomes = await counter.batch(*batch)
    assert all(isinstance(outcome, Reply) for outcome in outcomes), outcomes
    return statements


class counted:  # noqa: N801 - reads as a word where it is used
    """The statements that are sent meanwhile."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine, self._seen = engine.sync_engine, list[str]()
        self._note: Callable[..., None] = lambda *details: self._seen.append(details[2].strip())

    def __enter__(self) -> list[str]:
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self._seen

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)


async def rows_of(engine: AsyncEngine, statement: str, *args: Any) -> list[Any]:
    async with engine.connect() as connection:
        return [tuple(row) for row in await fetch(connection, statement, *args)]
