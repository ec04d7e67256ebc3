"""`gatehouse demo`: both journeys, the events they made, and the log that proves them."""

import asyncio
import time
from typing import Any

from deploy.cli.audit import verify
from deploy.cli.options import HomeOption, state_of
from deploy.demo.log import prove_log
from deploy.demo.mint import mint_invoice
from deploy.demo.partner import onboard_partner
from deploy.demo.staff import onboard_staff
from deploy.demo.subscriber import ends, received
from deploy.demo.walk import UnexpectedAnswer, Walk
from deploy.local.stack import Stack
from deploy.local.status import describe

LAST = ("partner.suspended", "branch_access.removed")


def demo(home: HomeOption = None) -> None:
    """Take a partner and a staff member through onboarding on the running stack, printed step by step."""
    state = state_of(home)
    walk = Walk(state)
    since = asyncio.run(ends(state))
    partner = onboard_partner(walk)
    mint_invoice(walk, *partner)
    onboard_staff(walk)
    walk.title("What a downstream subscriber received")
    with walk.step("read with the subscriber's own credentials"):
        events = asyncio.run(received(state, since, LAST))
    _print_events(walk, events)
    walk.title("The audit log proves it")
    with walk.step("an auditor reads the partner's whole timeline"):
        timeline = _timeline(walk, partner.partner_id)
    walk.note(" → ".join(event["type"] for event in timeline))
    with walk.step("every event is checked against the signed checkpoints"):
        verify(home=home)
    prove_log(walk, home)
    _print_addresses(walk, describe(Stack(home)))


def _timeline(walk: Walk, partner_id: str) -> list[dict[str, Any]]:
    """The log is written a moment after the event, so it is asked until the last one is there."""
    auditor = walk.token("auditor-1", "RoleAuditor")
    for _ in range(100):
        page = walk.call(
            "GET", f"/api/v1/audit/events?target_type=partner&target_id={partner_id}&limit=100", auditor, 200
        )
        found: list[dict[str, Any]] = page["data"]
        if any(event["type"] == LAST[0] for event in found):
            return found
        time.sleep(0.1)
    raise UnexpectedAnswer("the suspension did not reach the audit log within 10 s")


def _print_events(walk: Walk, events: list[dict[str, Any]]) -> None:
    for event in events:
        who = (
            event["actor"]["subject"].partition("-")[0]
            if event["actor"]["type"] == "staff"
            else event["actor"]["subject"]
        )
        which = f"{event['aggregate_type']} …{event['aggregate_id'][-4:]} v{event['aggregate_version']}"
        walk.note(f"{event['type']:<29} {which:<22} {who:<20} {event['reason_code'] or ''}")


def _print_addresses(walk: Walk, status: dict[str, Any]) -> None:
    walk.title(f"Done in {walk.seconds:.1f} s; the stack stays up")
    for name in ("gateway", "oidc_issuer"):
        walk.note(f"{name:<12} {status[name]}")
    walk.note(f"openapi      {status['gateway']}/openapi.json")
    walk.note(f"asyncapi     {status['gateway']}/asyncapi.json")
    walk.note("stop it with `make down`")
