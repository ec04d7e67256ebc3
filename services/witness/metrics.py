"""What the witness says about itself on /metrics."""

from prometheus_client import Counter, Gauge

SIZE = Gauge("gatehouse_witness_cosigned_size", "Size of the newest checkpoint that was co-signed")
ALARMS = Counter(
    "gatehouse_witness_alarms", "Checkpoints by the log's key that do not fit what was co-signed", ["alarm"]
)
