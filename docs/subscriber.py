"""A downstream subscriber: it knows a topic's name and the event's schema, nothing else of Gatehouse.

KAFKA_BOOTSTRAP=… KAFKA_USERNAME=… KAFKA_PASSWORD=… python docs/subscriber.py partner.approved
"""

import asyncio
import os
import sys

from faststream import FastStream
from faststream.kafka import KafkaBroker
from faststream.security import SASLScram512

user, password = os.environ["KAFKA_USERNAME"], os.environ["KAFKA_PASSWORD"]
broker = KafkaBroker(os.environ["KAFKA_BOOTSTRAP"], security=SASLScram512(username=user, password=password))
seen: set[str] = set()  # delivery is at least once: an event's id tells a repeat


@broker.subscriber(*sys.argv[1:], group_id=f"{user}.docs", auto_offset_reset="earliest", ack_policy="manual")
async def on_event(event: dict) -> None:
    if event["id"] not in seen:
        seen.add(event["id"])
        print(event["type"], event["aggregate_id"], f"v{event['aggregate_version']}", event["data"], flush=True)


asyncio.run(FastStream(broker).run())
