"""A service's login role sees its own schema, owns nothing, and may not even look at another's."""

import itertools

import asyncpg
import pytest

from deploy import postgres
from deploy.local.keys import DATABASES, LOGINS
from deploy.local.stack import Stack

PAIRS = list(itertools.permutations(DATABASES, 2))


async def rights(stack: Stack, role: str, schema: str) -> tuple[bool, bool]:
    """(may use, may create in) the schema."""
    admin = await asyncpg.connect(stack.state.admin_dsn)
    try:
        row = await admin.fetchrow(
            "SELECT has_schema_privilege($1, $2, 'USAGE'), has_schema_privilege($1, $2, 'CREATE')", role, schema
        )
    finally:
        await admin.close()
    return row[0], row[1]


@pytest.mark.parametrize("service", DATABASES)
async def test_a_service_uses_its_own_schema_and_creates_nothing_anywhere(stack: Stack, service: str) -> None:
    assert await rights(stack, service, service) == (True, False)
    assert await rights(stack, service, "public") == (False, False)


@pytest.mark.parametrize(("service", "other"), PAIRS)
async def test_a_service_may_not_use_the_schema_of_another(stack: Stack, service: str, other: str) -> None:
    assert await rights(stack, service, other) == (False, False)


@pytest.mark.parametrize("service", DATABASES)
async def test_a_service_logs_in_with_its_own_password_and_finds_its_own_tables_first(
    stack: Stack, service: str
) -> None:
    connection = await asyncpg.connect(stack.state.dsn(service))
    try:
        assert await connection.fetchval("SHOW search_path") == service
        for statement in ("CREATE TABLE stray (id int)", "CREATE TEMP TABLE stray (id int)", "CREATE SCHEMA stray"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"SET ROLE {service}_owner")
    finally:
        await connection.close()


@pytest.mark.parametrize("database", ["postgres", "template1"])
async def test_a_service_may_not_enter_another_database(stack: Stack, database: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(stack.state.dsn("partners", database=database))


async def test_applying_the_roles_again_changes_nothing_and_renews_passwords(stack: Stack) -> None:
    passwords = {name: stack.state.secrets[f"postgres_{name}"] for name in LOGINS}
    awkward = passwords | {"audit": 'it\'s \\ "quoted" $$ %L'}

    await postgres.apply_roles(stack.state.admin_dsn, awkward)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(stack.state.dsn("audit"))
    await postgres.apply_roles(stack.state.admin_dsn, passwords)

    connection = await asyncpg.connect(stack.state.dsn("audit"))
    await connection.close()


async def test_the_cluster_syncs_to_disk_and_hashes_passwords_by_scram(stack: Stack) -> None:
    admin = await asyncpg.connect(stack.state.admin_dsn)
    try:
        wanted = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on"}
        assert {name: await admin.fetchval(f"SHOW {name}") for name in wanted} == wanted
        assert (await admin.fetchval("SHOW server_version")).startswith("18")
        hashes = await admin.fetch("SELECT rolpassword FROM pg_authid WHERE rolcanlogin")
        assert all(row[0].startswith("SCRAM-SHA-256$") for row in hashes)
        methods = await admin.fetch("SELECT DISTINCT auth_method FROM pg_hba_file_rules")
        assert [row[0] for row in methods] == ["scram-sha-256"]
    finally:
        await admin.close()
