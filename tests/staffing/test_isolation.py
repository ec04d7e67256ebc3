"""The second wall between tenants: what PostgreSQL shows and takes when a statement of the service forgets its tenant.

Every table of tenants is found from the catalogue, so a new one without its policy fails here.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID, uuid4

import pytest
from asyncpg.exceptions import InsufficientPrivilegeError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from contracts.message import Actor, Context, Query
from contracts.staffing import GetTenant, ListBranches
from services.chassis import Call, Outcome, Read, Reply, Write, fetch
from services.chassis.database import connect
from services.staffing import queries
from services.staffing.queries import Questions
from services.staffing.scope import declare_account, declare_messages, declare_tenants
from tests.staffing.furnished import TenantTable, furnished_pair, tenant_tables
from tests.staffing.office import STAFF_ISSUER, Office

FORGETFUL = "SELECT * FROM branches WHERE ($1::uuid IS NOT NULL OR id > $2) ORDER BY id DESC LIMIT $3"
"""What `ListBranches` would send if its WHERE forgot the tenant."""


@asynccontextmanager
async def about(engine: AsyncEngine, *tenants: UUID) -> AsyncIterator[Write]:
    """A transaction of the service's role that has declared these tenants; rolled back."""
    async with engine.connect() as connection:
        await declare_tenants(tx := Write(connection), tenants)
        yield tx


async def whose(tx: Write, table: TenantTable) -> set[UUID]:
    """The tenants whose rows of a table are seen."""
    return {row[0] for row in await fetch(tx, f"SELECT DISTINCT {table.column} FROM {table.name}")}


def may(office: Office, right: str, table: TenantTable) -> bool:
    return bool(office.tables.value("SELECT has_table_privilege('staffing', %s, %s)", table.name, right))


def changeable_column(office: Office, table: TenantTable) -> str | None:
    """A column that the service may update, if there is one."""
    columns = office.tables.rows(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND has_column_privilege('staffing', attrelid, attnum, 'UPDATE')",
        table.name,
    )
    return columns[0]["attname"] if columns else None


def test_every_table_of_tenants_is_isolated_and_the_service_owns_none(office: Office) -> None:
    tables = tenant_tables(office)

    assert {"tenants", "branches", "memberships", "notifications"} <= {table.name for table in tables}
    assert [table.name for table in tables if not (table.isolated and table.policies)] == []
    bypasses = office.tables.rows(
        "SELECT rolname FROM pg_roles WHERE rolname = 'staffing' AND (rolbypassrls OR rolsuper"
        " OR pg_has_role('staffing', 'staffing_owner', 'MEMBER'))"
    )
    assert bypasses == []


async def test_nothing_declared_is_nothing_seen_or_changed(office: Office, engine: AsyncEngine) -> None:
    await furnished_pair(office)

    async with about(engine) as tx:
        for table in tenant_tables(office):
            assert await whose(tx, table) == set(), table.name
            if column := changeable_column(office, table):
                changed = await tx.exec_driver_sql(f"UPDATE {table.name} SET {column} = {column}")
                assert changed.rowcount == 0, table.name


async def test_a_tenant_that_is_not_declared_is_neither_read_nor_changed_nor_deleted(
    office: Office, engine: AsyncEngine
) -> None:
    pair = await furnished_pair(office)

    async with about(engine, pair.ours.tenant_id) as tx:
        for table in tenant_tables(office):
            assert await whose(tx, table) == {pair.ours.tenant_id}, f"{table.name}: not furnished, or not isolated"
            if column := changeable_column(office, table):
                statement = f"UPDATE {table.name} SET {column} = {column} RETURNING {table.column}"
                assert {row[0] for row in await fetch(tx, statement)} == {pair.ours.tenant_id}, table.name
            if may(office, "DELETE", table):
                statement = f"DELETE FROM {table.name} WHERE {table.column} = $1"
                gone = await tx.exec_driver_sql(statement, (pair.theirs.tenant_id,))
                assert gone.rowcount == 0, table.name


async def test_a_row_of_another_tenant_is_not_taken(office: Office, engine: AsyncEngine) -> None:
    pair = await furnished_pair(office)

    for table in tenant_tables(office):
        row = stored_row(office, table, pair.theirs.tenant_id)
        for declared in ([], [pair.ours.tenant_id]):
            async with about(engine, *declared) as tx:
                with pytest.raises(DBAPIError, match="row-level security policy") as refused:
                    await insert_row(tx, table, row)
                assert is_refused(refused.value), table.name
        async with about(engine, pair.theirs.tenant_id) as tx:
            with pytest.raises(DBAPIError, match="duplicate key"):  # only its own key stands in its way
                await insert_row(tx, table, row)


def stored_row(office: Office, table: TenantTable, tenant_id: UUID) -> str:
    with office.tables.connection() as admin:
        statement = f"SELECT to_jsonb(t)::text AS row FROM {table.name} t WHERE {table.column} = %s LIMIT 1"
        found = admin.execute(statement, (tenant_id,)).fetchone()
    assert found, f"furnish {table.name}"
    return str(found["row"])


async def insert_row(tx: Write, table: TenantTable, row: str) -> None:
    statement = f"INSERT INTO {table.name} SELECT * FROM jsonb_populate_record(NULL::{table.name}, $1::text::jsonb)"
    await tx.exec_driver_sql(statement, (row,))


def is_refused(error: DBAPIError) -> bool:
    return isinstance(getattr(error.orig, "__cause__", None), InsufficientPrivilegeError)


def test_no_row_can_be_moved_to_another_tenant(office: Office) -> None:
    for table in tenant_tables(office):
        statement = "SELECT has_column_privilege('staffing', %s, %s, 'UPDATE')"
        assert not office.tables.value(statement, table.name, table.column), table.name


async def test_a_person_reads_their_own_facts_in_every_tenant_and_nobody_elses(
    office: Office, engine: AsyncEngine
) -> None:
    pair = await furnished_pair(office)
    both = {pair.ours.tenant_id, pair.theirs.tenant_id}

    async with engine.connect() as connection:
        await declare_account(Read(connection), pair.visitor)
        for table in ("memberships", "staff_profiles", "branch_assignments"):
            rows = await fetch(connection, f"SELECT tenant_id, account_id FROM {table}")
            assert set(rows) == {(tenant, pair.visitor) for tenant in both}
        assert {row.id for row in await fetch(connection, "SELECT id FROM tenants")} == both
        branches = {row.id for row in await fetch(connection, "SELECT id FROM branches")}
        assert branches == {*pair.ours.branches, *pair.theirs.branches}
        ended = await connection.exec_driver_sql("UPDATE memberships SET status = 'REVOKED'")
        assert ended.rowcount == 0
        assert await fetch(connection, "SELECT id FROM notifications") == []


async def test_work_on_messages_sees_those_of_all_tenants_and_nothing_else(office: Office, engine: AsyncEngine) -> None:
    pair = await furnished_pair(office)

    async with engine.connect() as connection:
        await declare_messages(tx := Write(connection))
        for table in tenant_tables(office):
            seen = await whose(tx, table)
            assert ({pair.ours.tenant_id, pair.theirs.tenant_id} <= seen) == (table.name == "notifications")
            assert table.name == "notifications" or not seen


async def ask(engine: AsyncEngine, query: Query, actor: Actor) -> Outcome:
    """As the chassis asks: on a connection without transactions, which goes back to the pool."""
    call = Call(actor, Context(request_id="r", command_id=uuid4()), uuid7(), None)  # type: ignore[arg-type]
    plain = engine.execution_options(isolation_level="AUTOCOMMIT", postgresql_readonly=True)
    async with plain.connect() as connection:
        return await Questions(STAFF_ISSUER).handlers()[type(query)](query, call, Read(connection))


async def test_what_was_declared_is_gone_for_the_next_user_of_the_connection(office: Office) -> None:
    shop = await office.open_shop()
    engine = connect(office.stack.state.dsn("staffing", driver="postgresql+asyncpg"), pool_size=1)
    try:
        assert isinstance(await ask(engine, GetTenant(tenant_id=shop.tenant_id), shop.owner), Reply)
        async with engine.connect() as next_user:
            assert await fetch(next_user, "SELECT id FROM tenants") == []
        async with engine.begin() as tx:
            await declare_tenants(Write(tx), [shop.tenant_id])
            assert [row.id for row in await fetch(tx, "SELECT id FROM tenants")] == [shop.tenant_id]
        async with engine.connect() as next_user:
            assert await fetch(next_user, "SELECT id FROM tenants") == []
    finally:
        await engine.dispose()


@contextmanager
def one_wall_less(office: Office, table: str) -> Iterator[None]:
    with office.tables.connection() as admin:
        admin.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        try:
            yield
        finally:
            admin.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")


async def test_a_question_that_forgets_its_tenant_is_answered_from_it_all_the_same(
    office: Office, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with the second wall down, the same question shows another tenant's branches."""
    pair = await furnished_pair(office)
    monkeypatch.setattr(queries, "_BRANCHES", FORGETFUL)
    query = ListBranches(tenant_id=pair.ours.tenant_id, limit=100)

    walled = await ask(engine, query, pair.ours.owner)
    with one_wall_less(office, "branches"):
        open_to_all = await ask(engine, query, pair.ours.owner)

    assert seen_branches(walled) == set(pair.ours.branches)
    assert seen_branches(open_to_all) > {*pair.ours.branches, *pair.theirs.branches}


def seen_branches(outcome: Outcome) -> set[UUID]:
    assert isinstance(outcome, Reply)
    return {branch.id for branch in outcome.body.data}  # type: ignore[union-attr]
