"""How the log grew: its signed checkpoints, and proofs that a smaller log is the beginning of a larger one (A8)."""

import base64
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from contracts.audit import QUERIES, READERS, CheckpointView
from contracts.message import Contract, Query
from contracts.roles import Role

Sha256Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]
"""A hash as signed notes write it; a third shorter than hex, so that a proof over 10^6 events is less than 1 KB."""

Size = Annotated[int, Field(gt=-(2**63), lt=2**63)]
"""A number of events; what the log can't answer for is refused with AUDIT_RANGE_INVALID, not as malformed."""


class ProveConsistency(Query):
    """Proof that the log of `from` events is the beginning of the log of `to` events; without `to`, of the newest."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)
    type: ClassVar[str] = "audit.consistency"
    topic: ClassVar[str] = QUERIES
    roles: ClassVar[frozenset[Role]] = READERS

    from_size: Annotated[Size, Field(validation_alias="from", serialization_alias="from")]
    to_size: Annotated[Size | None, Field(validation_alias="to", serialization_alias="to")] = None


class ListCheckpoints(Query):
    """Signed checkpoints by size, smallest first; `starting_after` is a size."""

    type: ClassVar[str] = "audit.checkpoints"
    topic: ClassVar[str] = QUERIES
    roles: ClassVar[frozenset[Role]] = READERS

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    starting_after: Annotated[int, Field(ge=0, lt=2**63)] | None = None


class ConsistencyProof(Contract):
    """`proof` is PROOF(from, D[to]) of RFC 9162 §2.1.4.1 in its order.

    `checkpoint` is the signed note at `to`; null for a size inside a batch, which only a root kept elsewhere can check.
    """

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    from_size: Annotated[int, Field(ge=1, validation_alias="from", serialization_alias="from")]
    to_size: Annotated[int, Field(ge=1, validation_alias="to", serialization_alias="to")]
    proof: tuple[Sha256Base64, ...]
    checkpoint: str | None = None

    @property
    def nodes(self) -> list[bytes]:
        return [base64.b64decode(node) for node in self.proof]


class CheckpointPage(Contract):
    data: tuple[CheckpointView, ...]
    has_more: bool
