"""Who is at the other end, as far as it is known without a token."""

from ipaddress import ip_address

from starlette.requests import Request

from contracts.message import Actor, ActorType

ANYBODY = Actor(type=ActorType.USER, subject="anonymous")


def address_of(request: Request) -> str | None:
    """None where it is no address: a proxy that is believed passes on what it was told, which may be any text."""
    host = request.client.host if request.client else ""
    try:
        return str(ip_address(host))
    except ValueError:
        return None
