"""What the subcommands share: the home option, the JSON option, how results are printed and failures told."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from deploy.local.errors import NotRunning, StackError
from deploy.local.home import Home
from deploy.local.state import State

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", envvar="GATEHOUSE_HOME", help="Where the stack's data lives. [default: .gatehouse]"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


class HonestGroup(TyperGroup):
    """Tells our own failures in one message on stderr and exits 1; a traceback is for bugs only."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except StackError as error:
            typer.secho(str(error), fg="red", err=True)
            raise typer.Exit(1) from error


def show(document: object) -> None:
    """A document as JSON on stdout."""
    typer.echo(json.dumps(document, indent=2, default=str))


def state_of(home: Path | None) -> State:
    """The remembered state of a stack that has been started at least once."""
    place = Home.at(home)
    if not place.exists:
        raise NotRunning(f"no stack in {place.root}: start one with `gatehouse up`")
    return State.load(place)
