"""Which witness watches this log."""

from typing import NamedTuple

from services.audit.cosignature import WitnessKey


class WitnessAddress(NamedTuple):
    """Where it listens, and the key that its cosignatures must be by."""

    url: str
    key: WitnessKey
