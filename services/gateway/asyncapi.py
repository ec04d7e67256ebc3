"""The AsyncAPI 3.0 document of the event topics, made from the contracts."""

from functools import cache
from typing import Any

from contracts.catalogue import event_types
from contracts.message import Event
from contracts.topics import BY_NAME

VERSION = "1.0.0"


@cache
def document() -> dict[str, Any]:
    """Channels, messages and receive operations: all that a downstream subscriber needs."""
    channels, operations = {}, {}
    for data in event_types():
        topic = BY_NAME[data.type]
        message = {
            "name": data.type,
            "title": (data.__doc__ or data.__name__).splitlines()[0],
            "contentType": "application/json",
            "payload": Event[data].model_json_schema(),  # type: ignore[valid-type]
        }
        channels[data.type] = {
            "address": topic.name,
            "messages": {data.__name__: message},
            "bindings": {"kafka": {"topic": topic.name, "partitions": topic.partitions}},
        }
        operations[f"receive.{data.type}"] = {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{data.type}"},
        }
    info = {"title": "Gatehouse events", "version": VERSION}
    return {"asyncapi": "3.0.0", "info": info, "channels": channels, "operations": operations}
