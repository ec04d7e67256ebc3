"""Places where the mint worker may die, named so that tests can kill it at each (see services/wire/crash.py)."""

from enum import StrEnum


class MintPoint(StrEnum):
    BEFORE_TOKEN = "before_token"  # noqa: S105 - a place, not a secret
    AFTER_TOKEN = "after_token"  # noqa: S105
    BEFORE_NODE = "before_node"
    AFTER_NODE = "after_node"
    BEFORE_REPORT = "before_report"
    AFTER_REPORT = "after_report"
