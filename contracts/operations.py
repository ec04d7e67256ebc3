"""What became of a command: every owner of commands answers this on its query topic."""

import json
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from contracts.message import Contract, Query


class OperationStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class GetOperation(Query):
    """Sent to each owner in turn; `topic` is chosen by the sender from the owners' query topics."""

    asked_of_all: ClassVar[bool] = True
    type: ClassVar[str] = "operation.get"
    topic: ClassVar[str] = "*.queries"

    command_id: UUID


class OperationView(Contract):
    """`result` is the body the command's caller was or would have been given."""

    status: OperationStatus
    http_status: int | None = None
    result: Any = None

    @classmethod
    def of(cls, http_status: int, body: bytes) -> "OperationView":
        status = OperationStatus.SUCCEEDED if http_status < 400 else OperationStatus.FAILED
        return cls(status=status, http_status=http_status, result=json.loads(body) if body else None)
