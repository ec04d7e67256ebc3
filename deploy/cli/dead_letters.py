"""`gatehouse dead-letters` and `gatehouse outbox`: what could not be handled, and what has not left yet.

A replay sends the same bytes under the same key again, marked with the letter's id: the service accepts a late
assertion only for a record that lies in its own dead letters (`services/chassis/dead_letters.py`).
"""

import asyncio
import base64
from typing import Annotated, Any

import psycopg
import typer
from aiokafka import AIOKafkaProducer
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table

from deploy.cli.options import HomeOption, JsonOption, show, state_of
from deploy.local.errors import StackError
from deploy.local.keys import DATABASES
from deploy.local.state import State
from services.chassis.dead_letters import REPLAY_HEADER

letters = typer.Typer(help="Records that could not be handled.", no_args_is_help=True)
outbox = typer.Typer(help="Events on their way out.", no_args_is_help=True)
Service = Annotated[str, typer.Option("--service", help="partners, staffing or audit.")]
Letter = Annotated[int, typer.Argument(help="The letter's id.")]
SUMMARY = "id, topic, partition, position, error, tries, created_at, replayed_at"


@letters.command("list")
def list_letters(service: Service = "", home: HomeOption = None, as_json: JsonOption = False) -> None:
    """The newest hundred of each service, oldest first."""
    state = state_of(home)
    rows = [
        {"service": name, **row}
        for name in ([service] if service else DATABASES)
        for row in _rows(state, name, f"SELECT {SUMMARY} FROM dead_letters ORDER BY id DESC LIMIT 100")[::-1]
    ]
    if as_json:
        show(rows)
    else:
        _print(rows)


@letters.command("show")
def show_letter(letter: Letter, service: Service, home: HomeOption = None) -> None:
    """One letter whole, as JSON: headers as text, key and value in base64."""
    row = _letter(state_of(home), service, letter)
    headers = [[name, base64.b64decode(value).decode("utf-8", "replace")] for name, value in row["headers"]]
    raw = {field: base64.b64encode(row[field] or b"").decode() for field in ("key", "value")}
    show({**row, **raw, "headers": headers})


@letters.command()
def replay(letter: Letter, service: Service, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Send the record again, once its cause is mended. A repeat has no second effect."""
    state = state_of(home)
    row = _letter(state, service, letter)
    _rows(state, service, "UPDATE dead_letters SET replayed_at = now() WHERE id = %s RETURNING id", letter)
    asyncio.run(_produce(state, service, row))
    if as_json:
        show({"replayed": letter})
    else:
        typer.echo(f"sent letter {letter} to {row['topic']} again")


@outbox.command("status")
def outbox_status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """How many events of each service wait to be published, and since when."""
    state = state_of(home)
    query = """
        SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float AS oldest_seconds
        FROM outbox WHERE published_at IS NULL
    """
    rows = [{"service": name, **_rows(state, name, query)[0]} for name in DATABASES]
    if as_json:
        show(rows)
    else:
        _print(rows)


@outbox.callback()
def _outbox() -> None:
    """Keeps `status` a subcommand of its own."""


def _letter(state: State, service: str, letter: int) -> dict[str, Any]:
    found = _rows(state, service, "SELECT * FROM dead_letters WHERE id = %s", letter)
    if not found:
        raise StackError(f"no dead letter {letter} in {service}")
    return found[0]


def _rows(state: State, service: str, query: str, *args: object) -> list[dict[str, Any]]:
    if service not in DATABASES:
        raise StackError(f"no such service: {service}; one of {', '.join(DATABASES)}")
    with psycopg.connect(state.dsn(service), row_factory=dict_row) as connection:
        return connection.execute(query, args).fetchall()


async def _produce(state: State, service: str, row: dict[str, Any]) -> None:
    known = state.kafka(service)
    producer = AIOKafkaProducer(
        bootstrap_servers=known["bootstrap"],
        security_protocol=known["security_protocol"],
        sasl_mechanism=known["sasl_mechanism"],
        sasl_plain_username=known["username"],
        sasl_plain_password=known["password"],
        acks="all",
        max_request_size=6 * 1024 * 1024,
    )
    headers = [(name, base64.b64decode(value)) for name, value in row["headers"] if name != REPLAY_HEADER]
    headers.append((REPLAY_HEADER, str(row["id"]).encode()))
    await producer.start()
    try:
        await producer.send_and_wait(row["topic"], row["value"], key=row["key"], headers=headers)
    finally:
        await producer.stop()


def _print(rows: list[dict[str, Any]]) -> None:
    if not rows:
        typer.echo("none")
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console().print(table)
