"""`gatehouse keys`: the master keys that wrap people's keys."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from deploy.cli.audit_settings import brief
from deploy.cli.options import HomeOption, JsonOption, show
from deploy.local.errors import NotRunning, StackError
from deploy.local.home import Home
from services.chassis import load
from services.chassis.database import connect
from services.people.rewrapping import Rewrapped, rewrap_keys
from services.wire.settings import OwnerSettings

LOST, UNDONE = 1, 2

keys = typer.Typer(help="Master keys, which wrap the keys of people.", no_args_is_help=True)
Service = Annotated[str, typer.Argument(help="partners or staffing.")]


@keys.command()
def rewrap(service: Service, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Wrap every person's key under the current master key, once no process wraps under another one any more.

    Exits 1 where a key opens with none of the master keys that are set, 2 where the work could not be done.
    """
    try:
        done = asyncio.run(_rewrap(_settings_of(service, Home.at(home))))
    except (StackError, ValidationError, ValueError, OSError, SQLAlchemyError) as error:
        typer.secho(f"could not wrap anew: {brief(error)}", fg="yellow", err=True)
        raise typer.Exit(UNDONE) from error
    show(done._asdict()) if as_json else typer.echo(f"{done.keys} keys, {done.anew} of them wrapped anew")
    if done.lost:
        typer.secho(f"no master key opens those of {', '.join(map(str, done.lost))}", fg="red", err=True)
        raise typer.Exit(LOST)


@keys.callback()
def _keys() -> None:
    """Keeps `rewrap` a subcommand of its own."""


def _settings_of(service: str, home: Home) -> OwnerSettings:
    """Those of the service: named by GATEHOUSE_SETTINGS, else the home's."""
    chosen = os.environ.get("GATEHOUSE_SETTINGS", str(home.settings(service)))
    if not Path(chosen).exists():
        raise NotRunning(f"no settings in {chosen}: start a stack with `gatehouse up`")
    settings = load(OwnerSettings, chosen)
    if settings.service != service:
        raise NotRunning(f"{chosen} holds the settings of {settings.service}, not of {service}")
    return settings


async def _rewrap(settings: OwnerSettings) -> Rewrapped:
    engine = connect(settings.database_url.get_secret_value())
    try:
        return await rewrap_keys(engine, settings.master_key)
    finally:
        await engine.dispose()
