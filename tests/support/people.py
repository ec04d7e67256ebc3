"""Who acts in the tests, as the signed assertion or the access token names them."""

import base64
import urllib.parse
import urllib.request
from collections.abc import Iterable
from json import load
from uuid import uuid4

from contracts.message import Actor, ActorType
from contracts.roles import Role
from deploy.local.environment import root_admins
from deploy.local.stack import Stack

_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def token(stack: Stack, subject: str, roles: Iterable[str] = (), ttl: int = 3600) -> str:
    """An access token of the stack's identity provider."""
    state = stack.state
    fields = [("grant_type", "client_credentials"), ("subject", subject), ("ttl", str(ttl))]
    fields += [("role", str(role)) for role in roles]
    login = base64.b64encode(f"gatehouse-cli:{state.secrets['oidc_client_secret']}".encode()).decode()
    request = urllib.request.Request(
        f"{state.url('oidc')}/token", urllib.parse.urlencode(fields).encode(), {"Authorization": f"Basic {login}"}
    )
    with _NO_PROXY.open(request, timeout=10) as answer:
        return str(load(answer)["access_token"])


def person(stack: Stack, subject: str, *roles: Role) -> Actor:
    """The same person that `token` would name, for an assertion of our own."""
    return Actor(type=ActorType.USER, issuer=stack.state.url("oidc"), subject=subject, roles=frozenset(roles))


def partner_admin(stack: Stack, subject: str = "") -> Actor:
    """Somebody who applies; new each time unless named, since nobody may act for two partners (S1.12)."""
    return person(stack, subject or f"maria-{uuid4().hex[:12]}", Role.PARTNER_ADMIN)


def system(service: str) -> Actor:
    """A service that sends a command to itself."""
    return Actor(type=ActorType.SYSTEM, subject=service)


def root_admin(stack: Stack) -> Actor:
    """An allowlisted root admin."""
    return person(stack, root_admins(stack.home)[0], Role.ROOT_ADMIN)
