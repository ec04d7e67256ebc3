"""What was acknowledged is there: 201 at once, 202 once its operation has succeeded; in the tables and in the log."""

from typing import Any, LiteralString

from tests.support import Tables, eventually
from tests.system.conftest import Site
from tests.system.traffic import PARTNERS, TENANTS, UPLOADS, Asked, Traffic, quiet_client

FINE = {200, 201, 202, 503}
PLACES: dict[str, tuple[str, str, LiteralString]] = {
    UPLOADS: ("partners", "object_key", "SELECT object_key AS found FROM uploads WHERE object_key = ANY(%s)"),
    PARTNERS: ("partners", "id", "SELECT id::text AS found FROM partners WHERE id::text = ANY(%s)"),
    TENANTS: ("staffing", "id", "SELECT id::text AS found FROM tenants WHERE id::text = ANY(%s)"),
}


async def everything_acknowledged_is_there(site: Site, flow: Traffic) -> None:
    """AssertionError for anything lost, doubled or missing in the audit log."""
    results = [(asked.path, asked.answer.json()) for asked in flow.commands(201)]
    async with quiet_client(site) as client:
        results += [(asked.path, await outcome(client, asked)) for asked in flow.commands(202)]

    for path, (service, name, statement) in PLACES.items():
        wanted = {result[name] for of, result in results if of == path}
        found = [row["found"] for row in Tables(site.stack, service).rows(statement, list(wanted))]
        assert sorted(found) == sorted(wanted), f"{path}: acknowledged and not there once"

    log = Tables(site.stack, "audit")
    commands = list({flow.command_of(asked) for asked in flow.commands(201, 202)})
    recorded = "SELECT count(DISTINCT command_id) FROM events WHERE command_id = ANY(%s)"
    await eventually(lambda: log.value(recorded, commands) == len(commands), "all of it is in the log", seconds=60)


async def outcome(client: Traffic, asked: Asked) -> dict[str, Any]:
    """The result of a command that was answered 202, once it has one.

    If its dependency was away all the time, it has failed with 503, and succeeds when it is sent again under its key.
    """
    location = asked.answer.headers["location"]

    async def settled() -> dict[str, Any] | None:
        answer = (await client.call(asked.subject, location, "")).answer
        assert answer.status_code in FINE, answer.text
        view: dict[str, Any] = answer.json()
        return view if view.get("status") in {"succeeded", "failed"} else None

    view = await eventually(settled, f"{location} settles")
    if view["status"] == "failed":
        assert view["http_status"] == 503, view
        again = await client.call(asked.subject, asked.path, asked.key, asked.body)
        assert again.status == 201, again.answer.text
        return dict(again.answer.json())
    return dict(view["result"])
