"""Where sealed text stands in events, found from the event models themselves."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from contracts.catalogue import event_types
from contracts.personal import sealed_fields

FIELDS = {event.type: fields for event in event_types() if (fields := sealed_fields(event))}
"""The paths in `data`, by event type; an event of an older version has none of them."""


class Place(NamedTuple):
    """One sealed text: `holder[name]` is the text, `field` its path in `data`."""

    holder: dict[str, Any]
    name: str
    field: str

    @property
    def text(self) -> str:
        return str(self.holder[self.name])


def sealed_places(event: str, data: Mapping[str, Any]) -> Iterator[Place]:
    """Every sealed text in the data of one event."""
    for field in sorted(FIELDS.get(event, ())):
        for holder, name in _reach(data, field.split(".")):
            if isinstance(holder.get(name), str):
                yield Place(holder, name, field)


def _reach(value: Any, path: Sequence[str]) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(value, list | tuple):
        for each in value:
            yield from _reach(each, path)
    elif isinstance(value, dict) and len(path) == 1:
        yield value, path[0]
    elif isinstance(value, dict):
        yield from _reach(value.get(path[0]), path[1:])
