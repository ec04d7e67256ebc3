"""`gatehouse audit purge`: what the service does by itself once a day, now and by hand."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from contracts.retention import RetentionClass
from deploy.cli.audit_settings import UNCHECKED, brief, settings_of
from deploy.cli.options import HomeOption
from deploy.local.errors import NotRunning, StackError
from deploy.local.home import Home
from services.audit.retention import Retention
from services.audit.retention_plan import due
from services.audit.settings import AuditSettings
from services.chassis import Read
from services.chassis.database import connect

DryOption = Annotated[bool, typer.Option("--dry-run", help="Only say what is due, and what is held.")]
LOOK_AGAIN_SECONDS = 0.5


def purge(home: HomeOption = None, dry_run: DryOption = False) -> None:
    """Remove the bytes of events whose time is over, once the log itself has said so; their stubs stay.

    The intent goes through the audit service, which must run; until the log has it, this waits.
    """
    try:
        settings = settings_of(Home.at(home))
        asyncio.run(_say_what_is_due(settings) if dry_run else _purge(settings))
    except (StackError, ValidationError, OSError, SQLAlchemyError) as error:
        typer.secho(f"could not purge: {brief(error)}", fg="yellow", err=True)
        raise typer.Exit(UNCHECKED) from error


async def _say_what_is_due(settings: AuditSettings) -> None:
    engine = connect(settings.database_url.get_secret_value())
    try:
        async with engine.connect() as connection:
            found = await due(Read(connection), settings.periods, datetime.now(UTC))
    finally:
        await engine.dispose()
    for kind, (free, held) in found.items():
        typer.echo(_told(kind, settings.periods[kind], free, held))


def _told(kind: RetentionClass, days: int, free: int, held: int) -> str:
    return f"{kind:<9} {days:>5} days  {free:>9} due  {held:>9} held"


async def _purge(settings: AuditSettings) -> None:
    login = settings.retention_database_url.get_secret_value()
    if not login:
        raise NotRunning("GATEHOUSE_RETENTION_DATABASE_URL is not set: nobody here may purge")
    engine, remover = connect(settings.database_url.get_secret_value()), connect(login)
    retention = Retention(engine, remover, settings.periods, lambda _: None)
    try:
        while await retention.look():  # noqa: ASYNC110 - the log grows by another process
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    finally:
        await engine.dispose()
        await remover.dispose()
    typer.echo(f"{retention.removed} events purged; nothing else is due")
