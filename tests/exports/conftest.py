"""A bookshop of its own for each test: a database copied from a template, and one bucket for all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from deploy.local.keys import random_secret
from deploy.local.objects import client
from deploy.local.stack import Stack
from tests.exports.bookshop import ROLE, Bookshop, migrate


def _execute(stack: Stack, *statements: str) -> None:
    with psycopg.connect(stack.state.dsn("postgres", database="postgres"), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def password(stack: Stack) -> str:
    """Of the service's role, which stays in the cluster: several runs may share it."""
    _execute(
        stack,
        f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN CREATE ROLE {ROLE}; END IF;
        END $$
        """,
        f"ALTER ROLE {ROLE} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{ROLE}'",
        f"ALTER ROLE {ROLE} SET search_path = {ROLE}",
    )
    return ROLE


@contextmanager
def database(stack: Stack, template: str = "template0") -> Iterator[str]:
    """A copy of the template, by its name."""
    name = f"bookshop_{uuid4().hex}"
    _execute(stack, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield name
    _execute(stack, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def template(stack: Stack, password: str) -> Iterator[str]:
    with database(stack) as name:
        migrate(stack.state.dsn("postgres", database=name))
        yield name


@pytest.fixture(scope="session")
def bucket(stack: Stack) -> str:
    name = f"exports-{uuid4().hex[:12]}"
    client(stack.state).create_bucket(Bucket=name)
    return name


@pytest.fixture
def empty_database(stack: Stack, template: str) -> Iterator[str]:
    """A migrated one, by its name."""
    with database(stack, template) as name:
        yield name


@pytest.fixture
def shop(stack: Stack, empty_database: str, bucket: str, password: str, tmp_path: Path) -> Bookshop:
    return open_shop(stack, empty_database, bucket, password, tmp_path)


def open_shop(stack: Stack, database: str, bucket: str, password: str, directory: Path) -> Bookshop:
    url = f"postgresql+asyncpg://{ROLE}:{password}@{stack.state.address('postgres')}/{database}"
    settings = {
        **stack.env_of("audit"),
        "GATEHOUSE_SERVICE": ROLE,
        "GATEHOUSE_DATABASE_URL": url,
        "GATEHOUSE_EXPORT_BUCKET": bucket,
        "GATEHOUSE_SERVICE_SIGNING_KEY": random_secret(),
    }
    return Bookshop(stack, database, settings, directory)
