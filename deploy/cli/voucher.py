"""`gatehouse voucher verify`: is this voucher what it says, with nothing but public keys?

Exit status: 0 every link holds, 1 one does not and is named, 2 it could not be checked.
"""

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.options import JsonOption, show
from deploy.voucher_proof import BrokenLink, Keys, prove

BROKEN, UNCHECKED = 1, 2

voucher = typer.Typer(help="Check proof bundles of vouchers.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="A proof bundle, as GET /api/v1/invoices/{id}/voucher gave it.")]
Key = Annotated[Path, typer.Option("--key", help="The public keys: the JWK Set of /.well-known/jwks.json, kept apart.")]


@voucher.callback()
def _group() -> None:
    """Check proof bundles of vouchers."""


@voucher.command("verify")
def verify(file: File, key: Key, as_json: JsonOption = False) -> None:
    """Check every link from the signed voucher to the signed log; no network, no database."""
    try:
        content, keys = file.read_bytes(), Keys.from_jwks(key.read_bytes())
    except (OSError, BrokenLink) as error:
        typer.secho(f"could not check: {error}", fg="yellow", err=True)
        raise typer.Exit(UNCHECKED) from error
    try:
        proven = prove(content, keys)
    except BrokenLink as broken:
        show({"ok": False, "link": broken.link, "why": broken.why}) if as_json else typer.echo(f"BROKEN LINK {broken}")
        raise typer.Exit(BROKEN) from broken
    document = proven.document
    if as_json:
        show({"ok": True, "voucher": document.model_dump(), "events": proven.events, "size": proven.checkpoint.size})
        return
    typer.echo(
        f"{document.amount} {document.currency} to {document.recipient}\n"
        f"approval {document.approval_id} on dossier version {document.dossier_version}\n"
        f"{len(proven.events)} events in the log of {proven.checkpoint.size}\nevery link holds"
    )
