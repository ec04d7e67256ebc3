"""The tables themselves: loaded into an empty database and exported again, each file of each service is the same."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from contracts.roles import Role
from deploy import postgres
from deploy.cli.app import app
from deploy.local.keys import LOGINS
from deploy.local.objects import client
from deploy.local.stack import Stack
from deploy.local.state import EXPORTS
from deploy.migrations import upgrade
from services.chassis import Write
from services.chassis.database import connect
from services.exports.files import key_of
from services.exports.formats import Format
from services.partners.datasets import DATASETS as OF_PARTNERS
from services.partners.desk import save_book
from services.staffing.datasets import DATASETS as OF_STAFFING
from tests.exports.conftest import database
from tests.partners.conftest import retire
from tests.partners.desk import person
from tests.partners.review.reviewers import ReviewOffice
from tests.staffing.office import Office
from tests.support import Tables
from tests.support.process import REPOSITORY
from tests.support.wire import producer

DATASETS = {"partners": OF_PARTNERS, "staffing": OF_STAFFING}
FORMATS = tuple(Format)


@pytest_asyncio.fixture
async def lived_in(stack: Stack) -> AsyncIterator[None]:
    """A partner's and a shop's rows, beside whatever earlier tests left."""
    engine = connect(stack.state.dsn("partners", driver="postgresql+asyncpg"))
    desk = ReviewOffice()
    desk.judge(desk.submitted(person(f"s-{uuid4()}", Role.PARTNER_ADMIN)))
    async with engine.begin() as tx:
        await save_book(Write(tx), desk.book)
    await engine.dispose()
    engine = connect(stack.state.dsn("staffing", driver="postgresql+asyncpg"))
    async with producer(stack, "staffing") as sender:
        office = Office(stack, engine, sender)
        await office.hire(await office.open_shop())
        office.close()
    await engine.dispose()
    yield
    retire(Tables(stack, "partners"))


@pytest.fixture
def empty(stack: Stack, service: str) -> Iterator[str]:
    """A migrated database, by its name."""
    with database(stack) as name:
        dsn = stack.state.dsn("postgres", database=name)
        postgres.apply(dsn, {role: stack.state.secrets[f"postgres_{role}"] for role in LOGINS})
        upgrade(service, dsn)
        yield name


class Place:
    """A service's schema in one database of the cluster, and the process that makes its files."""

    def __init__(self, stack: Stack, service: str, directory: Path, database: str = "") -> None:
        named = {"database": database} if database else {}
        self._stack, self._service, self._directory = stack, service, directory
        self.admin_dsn = stack.state.dsn("postgres", **named)
        url = stack.state.dsn(service, driver="postgresql+asyncpg", **named)
        self._environment = stack.env_of(service) | {"GATEHOUSE_DATABASE_URL": url}

    def file(self, dataset: str, file_format: Format) -> tuple[Path, Path]:
        """A new export of it, and its manifest."""
        export_id = uuid4()
        with psycopg.connect(self.admin_dsn, options=f"-c search_path={self._service}") as tables:
            tables.execute(
                "INSERT INTO exports (id, version, dataset, format, state, requested_by, requested_at)"
                " VALUES (%s, 1, %s, %s, 'RUNNING', '{}', now())",
                (export_id, dataset, file_format),
            )
        command = [sys.executable, "-m", f"services.{self._service}.exporting", str(export_id)]
        made = subprocess.run(
            command, cwd=REPOSITORY, env=os.environ | self._environment, capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stdout + made.stderr
        return self._download(export_id, file_format)

    def _download(self, export_id: UUID, file_format: Format) -> tuple[Path, Path]:
        stored = client(self._stack.state).get_object(Bucket=EXPORTS, Key=key_of(self._service, export_id, file_format))
        file, manifest = self._directory / f"{export_id}.file", self._directory / f"{export_id}.manifest"
        file.write_bytes(stored["Body"].read())
        with psycopg.connect(self.admin_dsn, options=f"-c search_path={self._service}") as tables:
            note = tables.execute("SELECT manifest FROM exports WHERE id = %s", (export_id,)).fetchone()
            tables.execute("DELETE FROM exports WHERE id = %s", (export_id,))
        manifest.write_text(str(note[0] if note else ""), encoding="utf-8")
        return file, manifest


@pytest.mark.parametrize("service", sorted(DATASETS))
async def test_loaded_into_an_empty_database_and_exported_again_every_file_is_the_same(
    stack: Stack, service: str, lived_in: None, empty: str, tmp_path: Path
) -> None:
    here, there = Place(stack, service, tmp_path), Place(stack, service, tmp_path, empty)
    chosen = {dataset.name: FORMATS[n % len(FORMATS)] for n, dataset in enumerate(DATASETS[service])}
    files = {name: here.file(name, file_format) for name, file_format in chosen.items()}

    for file, manifest in files.values():
        loaded = CliRunner().invoke(
            app, ["exports", "load", str(file), "--manifest", str(manifest), "--dsn", there.admin_dsn]
        )
        assert loaded.exit_code == 0, loaded.output

    for name, (file, _) in files.items():
        again, _ = there.file(name, chosen[name])
        assert again.read_bytes() == file.read_bytes(), name
