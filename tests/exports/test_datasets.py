"""What leaves by exports is listed by name, and what does not is left out on purpose; credentials never leave."""

import subprocess
import sys
from collections.abc import Sequence

import pytest
from pydantic import ValidationError

from contracts.export_messages import AUDIT, PARTNERS, STAFFING, ExportMessages
from deploy.local.stack import Stack
from services.audit import datasets as audit
from services.exports.dataset import Dataset, Kind
from services.partners import datasets as partners
from services.staffing import datasets as staffing
from tests.support import Tables
from tests.support.process import REPOSITORY

OWNED: dict[str, tuple[ExportMessages, Sequence[Dataset]]] = {
    "partners": (PARTNERS, partners.DATASETS),
    "staffing": (STAFFING, staffing.DATASETS),
    "audit": (AUDIT, audit.DATASETS),
}
LEFT_OUT = {
    "accounts": {"password_hash": "a credential"},
}
"""Columns of exported tables, with the reason; every other column is exported."""
NEVER = {
    "staffing": ("sessions", "refresh_tokens", "otp_challenges", "otp_counters", "notifications"),
    "partners": ("uploads", "signers", "root_admins"),
    "audit": ("tree_nodes",),
}
"""Tables of credentials, of what is on its way, and of what can be worked out anew."""
KINDS = {
    "uuid": Kind.UUID,
    "text": Kind.TEXT,
    "smallint": Kind.INTEGER,
    "integer": Kind.INTEGER,
    "bigint": Kind.INTEGER,
    "numeric": Kind.DECIMAL,
    "boolean": Kind.BOOLEAN,
    "timestamp with time zone": Kind.TIMESTAMP,
    "jsonb": Kind.JSON,
    "bytea": Kind.BYTES,
    "ARRAY": Kind.TEXTS,
}
EVERY = [(service, dataset) for service, (_, datasets) in OWNED.items() for dataset in datasets]


@pytest.mark.parametrize("service", OWNED)
def test_the_contract_and_the_service_name_the_same_datasets(service: str) -> None:
    messages, datasets = OWNED[service]

    assert {dataset.name for dataset in datasets} == messages.datasets
    assert not {dataset.source for dataset in datasets} & set(NEVER[service])


@pytest.mark.parametrize(("service", "dataset"), EVERY, ids=lambda value: getattr(value, "name", value))
def test_every_column_is_exported_as_what_it_is_or_left_out_for_a_reason(
    stack: Stack, service: str, dataset: Dataset
) -> None:
    columns = Tables(stack, service).rows(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = %s AND table_name = %s",
        service,
        dataset.source,
    )
    stored = {column["column_name"]: KINDS[column["data_type"]] for column in columns}

    exported = {column.name: column.kind for column in dataset.columns}

    assert exported == {name: kind for name, kind in stored.items() if name not in LEFT_OUT.get(dataset.source, {})}


@pytest.mark.parametrize("service", OWNED)
def test_no_column_that_sounds_like_a_credential_is_exported(service: str) -> None:
    named = {column.name for dataset in OWNED[service][1] for column in dataset.columns}

    assert [
        name for name in sorted(named) if any(word in name for word in ("password", "token", "secret", "otp"))
    ] == []


def test_a_service_does_not_understand_a_dataset_of_another() -> None:
    assert STAFFING.start.model_validate_json('{"dataset": "accounts", "format": "csv"}').dataset == "accounts"
    with pytest.raises(ValidationError, match="accounts is not a dataset of this service"):
        AUDIT.start.model_validate_json('{"dataset": "accounts", "format": "csv"}')


@pytest.mark.parametrize("service", OWNED)
def test_a_service_itself_carries_nothing_of_what_writes_files(service: str) -> None:
    """The writers cost 40 MB; they are for the process that makes one file."""
    said = "import sys; import services.{}.{}; print(sorted({{'pyarrow', 'psycopg'}} & sys.modules.keys()))"

    def carried(module: str) -> str:
        command = [sys.executable, "-c", said.format(service, module)]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout.strip()

    assert carried("app") == "[]"
    assert carried("exporting") == "['psycopg']"  # the control
