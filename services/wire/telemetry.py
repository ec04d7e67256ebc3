"""Logs as JSON lines and Prometheus metrics. Ids and codes only: no bodies, names, phones or secrets."""

import logging
import re

import orjson
import structlog
from prometheus_client import Counter, Gauge, Histogram
from structlog.typing import EventDict, WrappedLogger

COMMANDS = Counter("gatehouse_commands", "Commands answered", ["type", "status"])
QUERIES = Counter("gatehouse_queries", "Queries answered", ["type", "status"])
BATCH_SECONDS = Histogram("gatehouse_batch_seconds", "One poll, from first byte to offsets", ["lane"])
BATCH_SIZE = Histogram("gatehouse_batch_size", "Records in one poll", ["lane"], buckets=(1, 4, 16, 64, 256, 500))
RETRIES = Counter("gatehouse_retries", "Batches tried again", ["reason"])
DEAD_LETTERS = Counter("gatehouse_dead_letters", "Records buried")
PUBLISHED = Counter("gatehouse_outbox_published", "Events published")
OUTBOX_AGE = Gauge("gatehouse_outbox_oldest_seconds", "Age of the oldest unpublished event")
LAG = Gauge("gatehouse_lane_lag", "Records not yet handled", ["lane"])


def configure(service: str, instance: int) -> None:
    """One JSON object a line on standard error's sibling, standard output; libraries' logs join in."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _withhold_details,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service, instance=instance)
    logging.basicConfig(level=logging.WARNING, handlers=[_ToStructlog()], force=True)


def withhold(text: str) -> str:
    """An error's text without PostgreSQL's DETAIL, which quotes the row it refused."""
    return re.sub(r"DETAIL:[^\n]*", "DETAIL: withheld", text)


def _withhold_details(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    for name in ("exception", "error"):
        if isinstance(event.get(name), str):
            event[name] = withhold(event[name])
    return event


class _ToStructlog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(record.levelno, "library.message", logger=record.name, message=record.getMessage())
