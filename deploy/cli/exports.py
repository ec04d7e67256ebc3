"""`gatehouse exports`: is an exported file what its service signed, and back into a database with it.

Exit status: 0 it is, 1 it is not and what differs is named, 2 it could not be looked at.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from deploy.cli.audit_settings import brief
from deploy.cli.options import HomeOption, JsonOption, show
from deploy.export_load import NotEmptyError, load
from deploy.local.errors import NotRunning, StackError
from deploy.local.home import Home
from services.exports.check import problems
from services.exports.formats import codec
from services.exports.manifest import Manifest, opened, signer_of
from services.exports.settings import ExportSettings
from services.wire.note import NoteRefusedError, Verifier
from services.wire.settings import load as load_settings

WRONG, UNCHECKED = 1, 2

exports = typer.Typer(help="Check exported files, load them.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="An exported file, as its link gave it.")]
ManifestFile = Annotated[Path, typer.Option("--manifest", help="The signed manifest that belongs to it.")]
Key = Annotated[str, typer.Option("--key", help="The service's public key, as `gatehouse exports key` prints it.")]
Dsn = Annotated[
    str, typer.Option("--dsn", envvar="GATEHOUSE_LOAD_DSN", help="The administrator's, of a migrated database.")
]
Service = Annotated[str, typer.Option("--service", help="partners, staffing or audit.")]


@exports.command("verify")
def verify(file: File, manifest: ManifestFile, key: Key, as_json: JsonOption = False) -> None:
    """Compare file, manifest and signature; no network, no database."""
    found, wrong = _looked_at(file, manifest, key)
    if as_json:
        show({"ok": not wrong, "wrong": wrong, "manifest": found.model_dump(mode="json") if found else None})
    else:
        _tell(found, wrong)
    if wrong:
        raise typer.Exit(WRONG)


@exports.command("load")
def load_file(file: File, manifest: ManifestFile, dsn: Dsn, key: Key = "") -> None:
    """Put the rows into the empty table they came from. With a key, only if the manifest is signed by it."""
    found, wrong = _looked_at(file, manifest, key)
    if wrong or found is None:
        _tell(found, wrong)
        raise typer.Exit(WRONG)
    try:
        relaxed = load(dsn, found, codec(found.format).decode(found.described(), file))
    except (NotEmptyError, psycopg.Error, OSError) as error:
        typer.secho(f"could not load: {brief(error)}", fg="yellow", err=True)
        raise typer.Exit(UNCHECKED) from error
    typer.echo(f"{found.rows} rows in {found.service}.{found.source}")
    for name in relaxed:
        typer.echo(f"not validated, as it is about what is not exported: {name}")


@exports.command("key")
def show_key(service: Service, home: HomeOption = None) -> None:
    """Print the public key of manifests; the settings are those named by GATEHOUSE_SETTINGS, else the home's."""
    chosen = os.environ.setdefault("GATEHOUSE_SETTINGS", str(Home.at(home).settings(service)))
    if not Path(chosen).exists():
        raise NotRunning(f"no settings in {chosen}: start a stack with `gatehouse up`")
    try:
        typer.echo(signer_of(load_settings(ExportSettings)).verifier.vkey())
    except ValueError as error:
        raise StackError(f"{service} signs no exports: {brief(error)}") from error


def _looked_at(file: Path, manifest: Path, key: str) -> tuple[Manifest | None, list[str]]:
    """The manifest, if it can be read, and all that is wrong. An empty key leaves the signature unchecked."""
    try:
        note = manifest.read_text(encoding="utf-8")
        verifier = Verifier.of(key) if key else None
        return _compared(file, note, verifier)
    except (OSError, ValueError) as error:
        typer.secho(f"could not check: {brief(error)}", fg="yellow", err=True)
        raise typer.Exit(UNCHECKED) from error


def _compared(file: Path, note: str, verifier: Verifier | None) -> tuple[Manifest | None, list[str]]:
    wrong = list(_signature(note, verifier))
    try:
        found = opened(note, None)
    except NoteRefusedError as error:
        return None, [*wrong, f"manifest: {error}"]
    return found, [*wrong, *problems(file, found)]


def _signature(note: str, verifier: Verifier | None) -> Iterator[str]:
    try:
        if verifier is not None:
            verifier.open(note)
    except NoteRefusedError as error:
        yield f"signature: {error}"


def _tell(found: Manifest | None, wrong: list[str]) -> None:
    if found is not None:
        typer.echo(f"{found.rows} rows of {found.service} {found.dataset}, taken at {found.taken_at.isoformat()}")
    for problem in wrong:
        typer.echo(f"WRONG {problem}")
    if not wrong:
        typer.echo("the file is what was signed")
