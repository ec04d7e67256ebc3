"""One schema and one least-privileged role for each service, in the database the administrator's DSN names.

Invariant: a service's login role owns nothing. `<service>_owner` owns the schema and what the migrations make in it,
the administrator runs them after `SET ROLE <service>_owner`, and they grant the login role what it needs, table by
table. So a service cannot alter its own tables, nor see another's. `audit_retention` sees nothing at all: it may call
the one function that removes what the log itself says is to be removed. Idempotent; used locally and in production.
"""

import asyncio

import asyncpg

SERVICES = ("partners", "staffing", "audit")
RETENTION = "audit_retention"
LOGINS = (*SERVICES, RETENTION)
"""Every role that logs in, and so needs a password."""

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

_FOR_RETENTION = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{RETENTION}') THEN CREATE ROLE {RETENTION} LOGIN; END IF;
END $$;
ALTER ROLE {RETENTION} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE {RETENTION} SET search_path = audit;
REVOKE ALL ON SCHEMA audit FROM {RETENTION};
GRANT USAGE ON SCHEMA audit TO {RETENTION};
"""  # noqa: S608

_FOR_THE_DATABASE = f"""
DO $$ BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO {", ".join(LOGINS)}', current_database());
END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
"""


async def apply_roles(dsn: str, passwords: dict[str, str]) -> None:
    """Bring roles and schemas to what is described above; `passwords` holds one for each of `LOGINS`."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            for service in SERVICES:
                await connection.execute(_FOR_EACH_SERVICE.format(name=service))
            await connection.execute(_FOR_RETENTION)
            for role in LOGINS:
                await _set_password(connection, role, passwords[role])
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
