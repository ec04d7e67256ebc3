"""`gatehouse audit`: is the log what was signed?

Exit status: 0 everything fits, 1 it was tampered with or something is missing, 2 it could not be checked.
"""

import asyncio
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import asyncpg
import typer
from pydantic import ValidationError

from deploy.cli.audit_file import export, verify_file
from deploy.cli.audit_proofs import consistency, prove
from deploy.cli.audit_purge import purge
from deploy.cli.audit_settings import TAMPERED, UNCHECKED, brief, settings_of
from deploy.cli.options import HomeOption, JsonOption, show
from deploy.local.errors import StackError
from deploy.local.home import Home
from services.audit.published import collect, places
from services.audit.ranges import verify_log
from services.audit.report import Report
from services.audit.scan import newest_size
from services.audit.settings import AuditSettings

audit = typer.Typer(help="Verify the audit log, and prove what is in it.", no_args_is_help=True)
audit.command()(prove)
audit.command()(consistency)
audit.command()(export)
audit.command()(purge)

FileArgument = Annotated[Path | None, typer.Argument(help="A log that `audit export` wrote.")]
LogKeyOption = Annotated[str | None, typer.Option("--log-key", help="The log's public key: NAME+HASH+BASE64.")]
WitnessKeyOption = Annotated[
    str | None, typer.Option("--witness-key", help="The witness's; a checkpoint must then be co-signed by it.")
]
CheckpointOption = Annotated[
    list[Path] | None, typer.Option("--checkpoint", help="A signed note from elsewhere that the file must fit.")
]


@audit.callback()
def _group() -> None:
    """Verify the audit log, and prove what is in it."""


@audit.command()
def verify(
    file: FileArgument = None,
    log_key: LogKeyOption = None,
    witness_key: WitnessKeyOption = None,
    checkpoint: CheckpointOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every event against the signed checkpoints, in the database and outside; name the first bad position.

    With FILE it is the exported log that is checked, with public keys alone: no network, no database.
    """
    if file is not None:
        if log_key is None:
            raise typer.BadParameter("a file is checked with --log-key")
        verify_file(file, log_key, witness_key, checkpoint or [], as_json=as_json)
        return
    try:
        settings = settings_of(Home.at(home))
        report = asyncio.run(_verify(settings))
    except (StackError, ValidationError, OSError, TimeoutError, asyncpg.PostgresError) as error:
        typer.secho(f"could not check: {brief(error)}", fg="yellow", err=True)
        raise typer.Exit(UNCHECKED) from error
    show(asdict(report) | {"ok": report.ok}) if as_json else typer.echo(_told(report))
    if not report.ok:
        raise typer.Exit(TAMPERED)
    if len(report.unread) == places(settings):
        typer.secho("could not check for a cut tail: nothing published could be read", fg="yellow", err=True)
        raise typer.Exit(UNCHECKED)


async def _verify(settings: AuditSettings) -> Report:
    dsn = settings.database_url.get_secret_value().replace("+asyncpg", "")
    notes, away = await collect(settings, await newest_size(dsn))
    report = await verify_log(dsn, settings.signer.verifier, notes)
    return replace(report, unread=tuple(away))


def _told(report: Report) -> str:
    outside = f"newest published {report.published}" if report.published else "nothing published yet"
    lines = [f"{report.size} events, {report.checkpoints} checkpoints, {outside}, root {report.root}"]
    lines += [f"not read: {place}" for place in report.unread]
    if report.finding is None:
        return "\n".join([*lines, "the log is what was signed"])
    finding = report.finding
    where = f"{finding.position}" if finding.until is None else f"{finding.position} (to {finding.until})"
    return "\n".join([*lines, f"FIRST BAD POSITION {where}: {finding.kind}, {finding.detail}"])
