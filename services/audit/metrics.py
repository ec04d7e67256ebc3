"""What the log says about itself on /metrics."""

from prometheus_client import Counter, Gauge

RECORDED = Counter("gatehouse_audit_recorded", "Events put into the log by this process")
REPEATED = Counter("gatehouse_audit_repeated", "Deliveries of events that were in the log already")
SIZE = Gauge("gatehouse_audit_log_size", "Events in the log, as this process last saw it")
PUBLISHED = Gauge("gatehouse_audit_published_size", "Size of the newest checkpoint published outside the database")
GAPS = Gauge("gatehouse_audit_gaps", "Aggregates' versions that are missing for longer than the grace")
COSIGNED = Gauge("gatehouse_audit_cosigned_size", "Size of the newest checkpoint that the witness co-signed")
WITNESS_REFUSED = Gauge("gatehouse_audit_witness_refused", "1 while the witness knows another history of this log")
PURGED = Counter("gatehouse_audit_purged", "Events whose bytes this process has removed, their time being over")
