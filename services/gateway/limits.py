"""RATE_LIMITED: who calls too often is told when to come again, before anything else is done for them.

Three allowances: of a caller, whatever the address; of an address, for calls that need no token; and of an address,
for tokens that turned out to be none. With the last used up, tokens that were found good before still pass and others
are not even looked at: guessing is slow, and the neighbours behind one address go on. Each instance counts for itself.
"""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from math import ceil

from contracts.failures import Code
from contracts.message import Actor
from services.gateway.allowances import Allowances
from services.gateway.problems import Failure
from services.gateway.settings import GatewaySettings

_NETWORK_BITS = 64


class Limits:
    """Each method raises Failure(RATE_LIMITED) when there is no allowance left."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._calls = Allowances(settings.calls_per_second, settings.calls_burst)
        self._visits = Allowances(settings.anonymous_calls_per_second, settings.anonymous_calls_burst)
        self._failures = Allowances(settings.failed_tokens_per_second, settings.failed_tokens_burst)

    def call(self, actor: Actor) -> None:
        _pass(self._calls.take((actor.issuer, actor.subject)))

    def visit(self, ip: str | None) -> None:
        """A call that anybody may make."""
        _pass(self._visits.take(neighbourhood(ip)))

    def may_try(self, ip: str | None) -> None:
        """Before a token is looked at that is not known to be good."""
        _pass(self._failures.wait(neighbourhood(ip)))

    def failed(self, ip: str | None) -> None:
        self._failures.take(neighbourhood(ip))


@lru_cache(maxsize=1_000)
def neighbourhood(ip: str | None) -> str:
    """An IPv4 address, or the /64 of an IPv6 one: whoever has one of those addresses has them all."""
    if ip is None:
        return ""
    address = ip_address(ip)
    if not isinstance(address, IPv6Address):
        return ip
    return str(int(address) >> _NETWORK_BITS)


def _pass(wait: float) -> None:
    if wait:
        seconds = ceil(wait)
        raise Failure(Code.RATE_LIMITED, f"come again in {seconds} s", retry_after=seconds)
