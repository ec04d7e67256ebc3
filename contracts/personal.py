"""Personal text in events: sealed for ever for whoever has no key, and for everybody once the key is destroyed.

`gh1.<whose key>.<base64url of nonce, ciphertext and tag>`: AES-256-GCM under a key of that person alone, bound to the
event's type, the field and the person. A reader with the right asks the owner of the event to open it (`Unseal…`).
"""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, NamedTuple, get_args

from pydantic import BaseModel, Field

from contracts.message import Contract, EventData, Query
from contracts.partners import QUERIES as PARTNERS
from contracts.roles import Role
from contracts.staffing import QUERIES as STAFFING

MAX_TEXTS = 1_000


class _Marker(NamedTuple):
    """Tells sealed fields from text that only looks like it."""


SEALED = _Marker()
SealedText = Annotated[
    str,
    Field(pattern=r"^gh1\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[A-Za-z0-9_-]{38,}$", max_length=4096),
    SEALED,
]


class SealedField(Contract):
    """One sealed text and the place it was found in; `field` is its path in `data`, list indices left out."""

    event: Annotated[str, Field(max_length=100)]
    field: Annotated[str, Field(max_length=100)]
    text: SealedText


class Unseal(Query):
    """Open sealed texts of one's own events; only for allowlisted root admins, who ask by way of the log (A13)."""

    roles: ClassVar[frozenset[Role]] = frozenset({Role.ROOT_ADMIN})

    sealed: Annotated[tuple[SealedField, ...], Field(max_length=MAX_TEXTS, strict=False)]


class UnsealPartners(Unseal):
    """Of contacts of partners."""

    type: ClassVar[str] = "partners.unseal"
    topic: ClassVar[str] = PARTNERS


class UnsealStaff(Unseal):
    """Of people on the staff of tenants."""

    type: ClassVar[str] = "staffing.unseal"
    topic: ClassVar[str] = STAFFING


class Opened(Contract):
    """`text` is None where the person is erased, and where what was given was never sealed like this."""

    text: str | None
    erased: bool


class OpenedTexts(Contract):
    """In the order they were asked for."""

    data: tuple[Opened, ...]


def sealed_fields(model: type[EventData]) -> frozenset[str]:
    """The paths in `data` of this event type that hold sealed text."""
    return frozenset(_sealed(model, ""))


def _sealed(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if any(isinstance(part, _Marker) for part in (*field.metadata, *_parts(field.annotation))):
            yield f"{prefix}{name}"
        for part in _parts(field.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _sealed(part, f"{prefix}{name}.")


def _parts(annotation: Any) -> Iterator[Any]:
    """The annotation and everything inside it."""
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)
