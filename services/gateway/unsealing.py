"""Reading the log with plain text in the place of sealed text (`unseal=true`), for who may.

First the log is asked, which judges and records the reading; then the owners of the events are asked to open what it
showed, some hundred texts at a time. A person who is erased is shown as `{"erased": true}`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from contracts.audit import GetEvent, ListEvents
from contracts.message import Request as Message
from contracts.personal import SealedField, Unseal, UnsealPartners, UnsealStaff
from contracts.sealed_events import Place, sealed_places
from contracts.topics import BY_NAME
from services.gateway.asking import ask
from services.gateway.dispatch import Answer, Caller, Dispatcher

AT_ONCE = 200
"""The longest sealed text has 4 KB, and a message to Kafka must stay below 1 MB."""

_OWNERS: Mapping[str, type[Unseal]] = {"partners": UnsealPartners, "staffing": UnsealStaff}


class Found(NamedTuple):
    """A sealed text of an event that is being shown."""

    event: str
    place: Place


async def unsealed(dispatcher: Dispatcher, question: Message, caller: Caller, shown: Answer) -> Answer:
    """The answer of the log, opened where that was asked for; or the refusal of an owner to do so."""
    if not isinstance(question, ListEvents | GetEvent) or not question.unseal or shown.status >= 400:
        return shown
    body = from_json(shown.body)
    events = body["data"] if isinstance(question, ListEvents) else [body]
    for owner, found in _by_owner(events).items():
        for some in _split(found):
            refused = await _open(dispatcher, _OWNERS[owner], some, caller)
            if refused:
                return refused
    return replace(shown, body=to_json(body))


def _by_owner(events: Sequence[dict[str, Any]]) -> dict[str, list[Found]]:
    found: defaultdict[str, list[Found]] = defaultdict(list)
    for event in events:
        for place in sealed_places(event["type"], event["data"]):
            found[BY_NAME[event["type"]].owner].append(Found(event["type"], place))
    return found


def _split(found: Sequence[Found]) -> Iterator[Sequence[Found]]:
    for start in range(0, len(found), AT_ONCE):
        yield found[start : start + AT_ONCE]


async def _open(dispatcher: Dispatcher, kind: type[Unseal], found: Sequence[Found], caller: Caller) -> Answer | None:
    """Put plain text into its places; a refusal is returned as it is."""
    sealed = tuple(SealedField(event=event, field=place.field, text=place.text) for event, place in found)
    answer = await ask(dispatcher, kind(sealed=sealed), caller)
    if answer.status >= 400:
        return answer
    for (_, place), opened in zip(found, from_json(answer.body)["data"], strict=True):
        if opened["erased"]:
            place.holder[place.name] = {"erased": True}
        elif opened["text"] is not None:
            place.holder[place.name] = opened["text"]
    return None
