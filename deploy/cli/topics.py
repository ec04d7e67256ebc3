"""`gatehouse topics` and `gatehouse acl`: the matrix of `contracts/topics.py`, applied or shown, and topics trimmed.

With GATEHOUSE_KAFKA_BOOTSTRAP in the environment they work on that cluster with the administrator named there, and
`apply` sets the password of each principal that has a GATEHOUSE_KAFKA_PASSWORD_<PRINCIPAL>; else on the local stack.
"""

import os
import time
from typing import Annotated

import typer
from confluent_kafka.admin import AdminClient
from rich.console import Console
from rich.table import Table

from contracts.topics import PRINCIPALS, TOPICS
from deploy import kafka, trimming
from deploy.cli.options import HomeOption, JsonOption, show, state_of
from deploy.local import broker
from deploy.local.recipes import apply_topics

topics = typer.Typer(help="Kafka topics, users and ACLs.", no_args_is_help=True)
acl = typer.Typer(help="Who may read and write which topic.", no_args_is_help=True)
Replication = Annotated[int, typer.Option("--replication", help="Copies of each new topic, in a real cluster.")]
PREFIX = "GATEHOUSE_KAFKA_"


@topics.command()
def apply(home: HomeOption = None, replication: Replication = 3, as_json: JsonOption = False) -> None:
    """Bring topics, SCRAM users and ACLs to what contracts/topics.py says. Can be repeated."""
    if f"{PREFIX}BOOTSTRAP" in os.environ:
        kafka.apply(_admin_from_environment(), _passwords_from_environment(), replication=replication)
    else:
        apply_topics(state_of(home))
    applied = {"topics": len(TOPICS), "principals": len(PRINCIPALS), "acls": len(kafka.render())}
    if as_json:
        show(applied)
    else:
        typer.echo(", ".join(f"{count} {what}" for what, count in applied.items()))


@topics.command()
def trim(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """After an erasure: delete commands, queries and replies that nobody needs to read any more."""
    local = f"{PREFIX}BOOTSTRAP" not in os.environ
    admin = broker.admin(state_of(home)) if local else _admin_from_environment()
    deleted = trimming.trim(admin, TOPICS, time.time())
    if as_json:
        show(deleted)
    else:
        typer.echo("\n".join(f"{name}: {count} records deleted" for name, count in deleted.items()))


@acl.command()
def render(as_json: JsonOption = False) -> None:
    """Show the ACLs that `topics apply` makes."""
    rows = kafka.render()
    if as_json:
        show(rows)
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*row.values())
    Console().print(table)


@acl.callback()
def _acl() -> None:
    """Keeps `render` a subcommand of its own."""


def _admin_from_environment() -> AdminClient:
    return kafka.admin_client(
        bootstrap=os.environ[f"{PREFIX}BOOTSTRAP"],
        security_protocol=os.environ.get(f"{PREFIX}SECURITY_PROTOCOL", "SASL_SSL"),
        sasl_mechanism=os.environ.get(f"{PREFIX}SASL_MECHANISM", "SCRAM-SHA-512"),
        username=os.environ[f"{PREFIX}USERNAME"],
        password=os.environ[f"{PREFIX}PASSWORD"],
    )


def _passwords_from_environment() -> dict[str, str]:
    variables = {name: f"{PREFIX}PASSWORD_{name.upper()}" for name in PRINCIPALS}
    return {name: os.environ[variable] for name, variable in variables.items() if variable in os.environ}
