"""`gatehouse token` and `gatehouse sms`: what a developer needs to play a person."""

import json
from typing import Annotated, Any

import httpx
import typer

from deploy.cli.options import HomeOption, JsonOption, show, state_of
from deploy.local.environment import AUDIENCE
from deploy.local.errors import NotRunning, StackError

Subject = Annotated[str, typer.Option("--subject", help="Who the token is for.")]
Roles = Annotated[list[str] | None, typer.Option("--role", help="A role; may be repeated.")]
Ttl = Annotated[int, typer.Option("--ttl", help="Seconds; negative makes an expired token.")]
Audience = Annotated[str, typer.Option("--audience", help="Whom the token is meant for.")]
Amr = Annotated[list[str] | None, typer.Option("--amr", help="How the person proved who they are; may be repeated.")]
Phone = Annotated[str, typer.Argument(help="In E.164, with the plus.")]


def token(
    subject: Subject,
    role: Roles = None,
    ttl: Ttl = 3600,
    audience: Audience = AUDIENCE,
    amr: Amr = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a bearer token from the local identity provider, and nothing else. For development only."""
    state = state_of(home)
    form = {
        "grant_type": "client_credentials",
        "client_secret": state.secrets["oidc_client_secret"],
        "subject": subject,
        "audience": audience,
        "ttl": str(ttl),
        "role": role or [],
        "amr": amr or [],
    }
    issued = _call("POST", f"{state.url('oidc')}/token", data=form)
    if as_json:
        show(issued)
    else:
        typer.echo(issued["access_token"])


def sms(phone: Phone, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print the newest message the fake SMS provider took for this number."""
    state = state_of(home)
    headers = {"Authorization": f"Bearer {state.secrets['sms_token']}"}
    messages = _call("GET", f"{state.url('sms')}/v1/messages", params={"to": phone}, headers=headers)["data"]
    if not messages:
        raise StackError(f"no message for {phone}")
    if as_json:
        show(messages[0])
    else:
        typer.echo(messages[0]["body"])


def _call(method: str, url: str, **arguments: Any) -> dict[str, Any]:
    try:
        answer = httpx.request(method, url, timeout=10, trust_env=False, **arguments)
    except httpx.TransportError as error:
        raise NotRunning(f"nobody answers at {url}: start the stack with `gatehouse up`") from error
    if answer.is_error:
        raise StackError(f"{url}: {answer.status_code} {answer.text}")
    document: dict[str, Any] = json.loads(answer.text)
    return document
