"""A log that was there before proofs were: its migration keeps the nodes of all that is recorded."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from sqlalchemy import create_engine, text

from deploy import postgres
from deploy.local.keys import LOGINS
from deploy.local.stack import Stack
from deploy.migrations import config, upgrade
from services.audit.merkle import leaf_hash
from services.audit.nodes import Subtrees

RECORD: str = """
    INSERT INTO audit.events SELECT n, gen_random_uuid(), 't', 1, 'a', gen_random_uuid(), 1, 'user', NULL, 's',
        gen_random_uuid(), 'r', 'SUCCEEDED', NULL, now(), now(), 0, n, n::text::bytea, sha256('\\x00' || n::text::bytea)
    FROM generate_series(0, %s - 1) AS n
"""


@pytest.fixture
def old_log(stack: Stack) -> Iterator[str]:
    """A database of the audit service as its first migration left it."""
    admin, name = stack.state.dsn("postgres", database="postgres"), f"audit_old_{uuid4().hex}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
    dsn = stack.state.dsn("postgres", database=name)
    postgres.apply(dsn, {role: stack.state.secrets[f"postgres_{role}"] for role in LOGINS})
    engine = create_engine(dsn.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL ROLE audit_owner"))
        connection.execute(text("SET LOCAL search_path TO audit"))
        command.upgrade(config("audit", connection), "audit_0001")
    engine.dispose()
    yield dsn
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.parametrize("size", [0, 255, 256, 65_536 + 300])
def test_the_nodes_of_an_older_log_are_kept_by_its_migration(old_log: str, size: int) -> None:
    with psycopg.connect(old_log) as connection:
        connection.execute(RECORD.encode(), [size])

    upgrade("audit", old_log)

    with psycopg.connect(old_log) as connection:
        rows = connection.execute("SELECT level, index, hash FROM audit.tree_nodes").fetchall()
    expected = Subtrees().extend(leaf_hash(str(n).encode()) for n in range(size))
    assert set(rows) == {(node.level, node.index, node.hash) for node in expected}
