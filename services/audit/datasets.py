"""What of the audit service can be exported: the log, up to the newest checkpoint that signs for it."""

from contracts.exports import DatasetName
from services.exports.dataset import Column, Dataset, Kind

EVENTS = Dataset(
    name=DatasetName.EVENTS,
    source="events",
    order=("position",),
    time_column="recorded_at",
    bound="SELECT coalesce(max(size), 0) FROM checkpoints",
    columns=(
        Column("position", Kind.INTEGER),
        Column("id", Kind.UUID),
        Column("type", Kind.TEXT),
        Column("schema_version", Kind.INTEGER),
        Column("aggregate_type", Kind.TEXT),
        Column("aggregate_id", Kind.UUID),
        Column("aggregate_version", Kind.INTEGER),
        Column("actor_type", Kind.TEXT),
        Column("actor_issuer", Kind.TEXT),
        Column("actor_subject", Kind.TEXT),
        Column("command_id", Kind.UUID),
        Column("request_id", Kind.TEXT),
        Column("outcome", Kind.TEXT),
        Column("reason_code", Kind.TEXT),
        Column("occurred_at", Kind.TIMESTAMP),
        Column("recorded_at", Kind.TIMESTAMP),
        Column("kafka_partition", Kind.INTEGER),
        Column("kafka_offset", Kind.INTEGER),
        Column("raw", Kind.BYTES),
        Column("leaf_hash", Kind.BYTES),
        Column("purged_by", Kind.INTEGER),
        Column("subjects", Kind.BYTES),
    ),
)
DATASETS = (EVENTS,)
