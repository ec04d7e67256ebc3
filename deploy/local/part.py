"""One supervised process of the stack, as data."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Part:
    """What the supervisor needs to run it. `directory` is its own, so leftovers can be told by where they run."""

    name: str
    command: tuple[str, ...]
    directory: Path
    environment: dict[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 25
    whole_group: bool = True


FAKES = ("oidc", "sms", "swap", "scim", "pager")
"""The outside systems, each a process of its own: an outage of one is a part that is stopped."""
ENGINES = ("postgres", "kafka", "seaweedfs", *FAKES)
SERVICES = ("partners", "mint", "staffing", "audit", "gateway", "witness")
"""`mint` is a process of the partners service: the only one that knows the token's PIN. `witness` is somebody else's in
production: it knows the log's public key and nothing of the others."""
EVERYTHING = (*ENGINES, *SERVICES)
