"""`gatehouse up`, `down`, `status`."""

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.options import HomeOption, JsonOption, show, state_of
from deploy.local.stack import Stack
from deploy.local.status import Status, describe

EnginesOption = Annotated[bool, typer.Option("--only-engines", help="Everything but our own services.")]


def up(home: HomeOption = None, only_engines: EnginesOption = False, as_json: JsonOption = False) -> None:
    """Start the whole local stack in the background; what runs already is left alone."""
    began = time.monotonic()
    stack = Stack(home)
    stack.up(only_engines=only_engines, tell=_silent if as_json else typer.echo)
    status = describe(stack)
    if as_json:
        show(status)
        return
    typer.echo(f"up in {time.monotonic() - began:.1f} s, home {stack.home.root}")
    _print_addresses(status)


def down(home: HomeOption = None) -> None:
    """Stop everything; data, topics and offsets stay."""
    Stack(home).down()


def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show every part and how to reach it; exits 1 unless all parts are ready."""
    state_of(home)
    known = describe(Stack(home))
    if as_json:
        show(known)
    else:
        _print_parts(known)
        _print_addresses(known)
    raise typer.Exit(0 if all(service["ready"] for service in known["services"]) else 1)


def _silent(_: str) -> None:
    pass


def _print_parts(status: Status) -> None:
    table = Table("part", "pid", "url", "ready")
    for service in status["services"]:
        ready = "[green]yes" if service["ready"] else "[red]no"
        token = f" ({service['token']} token)" if service.get("token") else ""
        table.add_row(service["name"] + token, str(service["pid"] or "-"), service["url"], ready)
    Console().print(table)


def _print_addresses(status: Status) -> None:
    for name in ("gateway", "console", "oidc_issuer"):
        typer.echo(f"{name:<12} {status[name]}")
