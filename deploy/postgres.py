"""One schema and one least-privileged role for each service, in the database the administrator's DSN names.

Invariant: a service's login role owns nothing. `<service>_owner` owns the schema and what the migrations make in it,
the administrator runs them after `SET ROLE <service>_owner`, and they grant the login role what it needs, table by
table. So a service cannot alter its own tables, nor see another's. Idempotent; used locally and in production.
"""

import asyncio

import asyncpg

SERVICES = ("partners", "staffing", "audit")

_FOR_EACH_SERVICE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}_owner') THEN CREATE ROLE {name}_owner NOLOGIN; END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN CREATE ROLE {name} LOGIN; END IF;
END $$;
GRANT {name}_owner TO CURRENT_USER;
ALTER ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE {name} SET search_path = {name};
CREATE SCHEMA IF NOT EXISTS {name} AUTHORIZATION {name}_owner;
REVOKE ALL ON SCHEMA {name} FROM PUBLIC;
REVOKE CREATE ON SCHEMA {name} FROM {name};
GRANT USAGE ON SCHEMA {name} TO {name};
"""

_FOR_THE_DATABASE = """
DO $$ BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO partners, staffing, audit', current_database());
END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
"""


async def apply_roles(dsn: str, passwords: dict[str, str]) -> None:
    """Bring roles and schemas to what is described above; `passwords` holds one for each service."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            for service in SERVICES:
                await connection.execute(_FOR_EACH_SERVICE.format(name=service))
                await _set_password(connection, service, passwords[service])
            await connection.execute(_FOR_THE_DATABASE)
    finally:
        await connection.close()


def apply(dsn: str, passwords: dict[str, str]) -> None:
    """`apply_roles` for callers without an event loop."""
    asyncio.run(apply_roles(dsn, passwords))


async def _set_password(connection: asyncpg.Connection, role: str, password: str) -> None:
    """ALTER ROLE takes no parameters, so the server itself quotes the password."""
    quoted = "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)"
    statement = await connection.fetchval(quoted, role, password)
    await connection.execute(statement)
