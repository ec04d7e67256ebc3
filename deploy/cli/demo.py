"""`gatehouse demo`: both journeys, the events they made, and the log that proves them."""

import asyncio
from typing import Any

from rich.table import Table

from deploy.cli.options import HomeOption, state_of
from deploy.demo.partner import onboard_partner
from deploy.demo.staff import onboard_staff
from deploy.demo.subscriber import ends, received
from deploy.demo.walk import Walk
from deploy.local.stack import Stack
from deploy.local.status import describe

LAST = ("partner.approved", "branch_access.granted")


def demo(home: HomeOption = None) -> None:
    """Take a partner and a staff member through onboarding on the running stack, printed step by step."""
    state = state_of(home)
    walk = Walk(state)
    since = asyncio.run(ends(state))
    onboard_partner(walk)
    onboard_staff(walk)
    walk.title("What a downstream subscriber received")
    with walk.step("read with the subscriber's own credentials"):
        events = asyncio.run(received(state, since, LAST))
    _print_events(walk, events)
    _print_addresses(walk, describe(Stack(home)))


def _print_events(walk: Walk, events: list[dict[str, Any]]) -> None:
    table = Table("event", "aggregate", "version", "by", "outcome", box=None)
    for event in events:
        who = f"{event['actor']['type']} {event['actor']['subject'][:24]}"
        outcome = event["reason_code"] or event["outcome"]
        table.add_row(event["type"], event["aggregate_id"], str(event["aggregate_version"]), who, outcome)
    walk.console.print(table)


def _print_addresses(walk: Walk, status: dict[str, Any]) -> None:
    walk.title(f"Done in {walk.seconds:.1f} s; the stack stays up")
    for name in ("gateway", "oidc_issuer"):
        walk.note(f"{name:<12} {status[name]}")
    walk.note(f"openapi      {status['gateway']}/openapi.json")
    walk.note(f"asyncapi     {status['gateway']}/asyncapi.json")
    walk.note("stop it with `make down`")
