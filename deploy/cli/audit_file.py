"""`gatehouse audit export FILE` writes the log as a file, `audit verify FILE` checks one with public keys alone."""

import asyncio
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import asyncpg
import typer
from pydantic import ValidationError

from deploy.cli.audit_settings import TAMPERED, UNCHECKED, brief, settings_of
from deploy.cli.options import HomeOption, show
from deploy.local.errors import StackError
from deploy.local.home import Home
from services.audit.cosignature import WitnessKey
from services.audit.log_export import entries
from services.audit.log_file import FileCheck, FileReport, write
from services.audit.note import NoteRefusedError, Verifier
from services.audit.published import WitnessSilentError, cosigned_note
from services.audit.settings import AuditSettings

Target = Annotated[Path, typer.Argument(help="The file to write.")]
BUFFER_BYTES = 1 << 20


def export(file: Target, home: HomeOption = None) -> None:
    """Write the whole log to a file that proves itself; prints the public keys that a verifier must be given."""
    draft = file.with_name(f"{file.name}.draft")
    try:
        settings = settings_of(Home.at(home))
        asyncio.run(_export(settings, draft))
    except (StackError, ValidationError, OSError, TimeoutError, asyncpg.PostgresError) as error:
        draft.unlink(missing_ok=True)
        typer.secho(f"could not export: {brief(error)}", fg="yellow", err=True)
        raise typer.Exit(UNCHECKED) from error
    draft.replace(file)
    witness = f" --witness-key {settings.witness.key.vkey()}" if settings.witness else ""
    typer.echo(f"--log-key {settings.signer.verifier.vkey()}{witness}")


async def _export(settings: AuditSettings, draft: Path) -> None:
    cosigned = None
    if settings.witness:
        with suppress(WitnessSilentError, NoteRefusedError):
            cosigned = cosigned_note(settings.witness)
    dsn = settings.database_url.get_secret_value().replace("+asyncpg", "")
    with draft.open("wb", buffering=BUFFER_BYTES) as out:
        async for line in write(settings.audit_origin, entries(dsn, cosigned)):
            out.write(line)
        out.flush()
        os.fsync(out.fileno())


def verify_file(file: Path, log_key: str, witness_key: str | None, checkpoints: list[Path], *, as_json: bool) -> None:
    """No network and no database. Exits as `audit verify` does."""
    try:
        witness = WitnessKey.of(witness_key) if witness_key else None
        notes = [path.read_text(encoding="utf-8") for path in checkpoints]
        check = FileCheck(Verifier.of(log_key), witness, notes)
        with file.open("rb", buffering=BUFFER_BYTES) as lines:
            report = check.read(lines)
    except (OSError, ValueError) as error:
        typer.secho(f"could not check: {brief(error)}", fg="yellow", err=True)
        raise typer.Exit(UNCHECKED) from error
    show(asdict(report) | {"ok": report.ok}) if as_json else typer.echo(_told(report))
    if not report.ok:
        raise typer.Exit(TAMPERED)


def _told(report: FileReport) -> str:
    cosigned = f", co-signed up to {report.cosigned}" if report.cosigned is not None else ""
    head = f"{report.size} events, {report.checkpoints} checkpoints{cosigned}, root {report.root}"
    if report.ok:
        return f"{head}\nthe file is what was signed"
    by = f" (checkpoint of {report.checkpoint})" if report.checkpoint is not None else ""
    return f"{head}\nFIRST BAD POSITION {report.position}{by}: {report.problem}"
