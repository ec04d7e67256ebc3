"""A migrated database for each test, copied from a template that is made once."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy import postgres
from deploy.local.keys import LOGINS
from deploy.local.objects import client
from deploy.local.stack import Stack
from deploy.migrations import upgrade
from services.audit.note import Signer
from services.audit.settings import AuditSettings
from services.chassis.database import connect
from services.wire.kafka import make_producer
from tests.audit.ledger import Ledger, encoded


def _execute(stack: Stack, statement: str) -> None:
    with psycopg.connect(stack.state.dsn("postgres", database="postgres"), autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture(scope="session")
def template(stack: Stack) -> Iterator[str]:
    name = f"audit_template_{uuid4().hex}"
    _execute(stack, f"CREATE DATABASE {name} TEMPLATE template0")
    dsn = stack.state.dsn("postgres", database=name)
    postgres.apply(dsn, {role: stack.state.secrets[f"postgres_{role}"] for role in LOGINS})
    upgrade("audit", dsn)
    yield name
    _execute(stack, f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture
async def ledger(stack: Stack, template: str) -> AsyncIterator[Ledger]:
    name = f"audit_{uuid4().hex}"
    _execute(stack, f"CREATE DATABASE {name} TEMPLATE {template}")
    _execute(stack, f"GRANT CONNECT ON DATABASE {name} TO audit, audit_retention")
    engine = connect(stack.state.dsn("audit", driver="postgresql+asyncpg", database=name))
    signer = Signer(f"{name}.example/log", Ed25519PrivateKey.generate())
    yield Ledger(stack.state.dsn("postgres", database=name), engine, signer)
    await engine.dispose()
    _execute(stack, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def settings(stack: Stack, ledger: Ledger) -> AuditSettings:
    """Those of the stack's audit service, pointed at this ledger's database, key and a locked bucket of its own."""
    names = {name.removeprefix("GATEHOUSE_").lower(): value for name, value in stack.env_of("audit").items()}
    bucket = f"checkpoints-{uuid4().hex[:12]}"
    client(stack.state).create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    own = {
        "database_url": ledger.engine.url.render_as_string(hide_password=False),
        "audit_origin": ledger.signer.name,
        "audit_signing_key": encoded(ledger.signer.key.private_bytes_raw()),
        "checkpoint_bucket": bucket,
        "checkpoint_retention_days": 1,
        "witness_url": "",
        "retention_database_url": "",
    }
    return AuditSettings.model_validate(names | own)


@pytest_asyncio.fixture
async def producer(settings: AuditSettings) -> AsyncIterator[AIOKafkaProducer]:
    producer = make_producer(settings)
    await producer.start()
    yield producer
    await producer.stop()
