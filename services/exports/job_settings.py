"""What a service that exports is told beside what the making of one file needs. A bad value stops it at start."""

from datetime import time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contracts.exports import DatasetName, ExportFormat
from services.exports.settings import ExportSettings


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("is no time zone") from error
    return name


class Daily(BaseModel):
    """A file of the whole dataset, every day at this time on the clocks of the zone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: DatasetName
    format: ExportFormat
    at: time
    zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"


class ExportJobSettings(ExportSettings):
    """`export_schedule` is a JSON list of `{dataset, format, at, zone}`; `export_days` is how long a file is kept.

    `export_jobs` says whether this instance makes files and has their timers; one is enough, two do no harm.
    """

    export_max_rows: int = Field(default=5_000_000, ge=0)
    export_days: int = Field(default=7, ge=1, le=366)
    export_schedule: tuple[Daily, ...] = ()
    export_jobs: bool = True

    @property
    def export_lifetime(self) -> timedelta:
        return timedelta(days=self.export_days)
