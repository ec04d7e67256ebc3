"""Free loopback ports, below the range the kernel hands out itself.

A port from the ephemeral range could be taken by somebody's outgoing connection while a part restarts.
"""

import random
import socket
from collections.abc import Collection
from pathlib import Path

from deploy.local.part import FAKES, SERVICES

LOOPBACK = "127.0.0.1"
LOWEST = 10_240
PAIR_DISTANCE = 10_000
"""SeaweedFS' admin worker dials its admin port plus this, whatever the flags say."""

NAMES = (
    *("postgres", "kafka", "kafka_controller", *SERVICES),
    *FAKES,
    *("s3", "s3_grpc", "master", "master_grpc", "volume", "volume_grpc", "filer", "filer_grpc", "weed_admin"),
)


def is_free(port: int) -> bool:
    """True if nobody listens there; connections in TIME_WAIT do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def is_open(port: int) -> bool:
    """True if somebody accepts connections there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def choose(remembered: dict[str, int], taken: Collection[int] = ()) -> dict[str, int]:
    """Keep every remembered port that is still free, and find new ones for the rest; none of those `taken`."""
    kept = {name: port for name, port in remembered.items() if name in NAMES and port not in taken}
    chosen = {name: port for name, port in kept.items() if _usable(name, port)}
    for name in NAMES:
        if name not in chosen:
            chosen[name] = _find(name, {*chosen.values(), *taken})
    return chosen


def _find(name: str, taken: set[int]) -> int:
    highest = _ephemeral_start() - PAIR_DISTANCE
    while True:
        port = random.randrange(LOWEST, highest)  # noqa: S311 - not a secret
        if not {port, port + PAIR_DISTANCE, port - PAIR_DISTANCE} & taken and _usable(name, port):
            return port


def _usable(name: str, port: int) -> bool:
    return is_free(port) and (name != "weed_admin" or is_free(port + PAIR_DISTANCE))


def _ephemeral_start() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return 32_768
