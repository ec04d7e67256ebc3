"""Places where the making of an export may die, named so that tests kill it at each (see services/wire/crash.py)."""

from enum import StrEnum


class ExportPoint(StrEnum):
    BEFORE_TAKE = "before_take"
    AFTER_TAKE = "after_take"
    UPLOAD_BEGUN = "upload_begun"
    UPLOAD_NOTED = "upload_noted"
    PART_SENT = "part_sent"
    PART_NOTED = "part_noted"
    BEFORE_COMPLETE = "before_complete"
    AFTER_COMPLETE = "after_complete"
    AFTER_FINISH = "after_finish"


class JobPoint(StrEnum):
    """Of the worker that has files made, and of the timer that throws them away."""

    AFTER_CLAIM = "export_claimed"
    BEFORE_REPORT = "export_before_report"
    AFTER_REPORT = "export_after_report"
    AFTER_REMOVAL = "export_removed"
