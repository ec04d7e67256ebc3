"""The rows that hold people's wrapped keys: made with the person, gone with the person."""

from collections.abc import Collection
from uuid import UUID

from services.chassis.database import Write, insert
from services.wire.personal import Keyring

_DESTROY = "DELETE FROM person_keys WHERE person_id = ANY($1::uuid[])"


async def save_keys(tx: Write, keys: Keyring) -> None:
    """Those of people who had none; one statement, and none where nobody is new."""
    await insert(tx, "person_keys", [{"person_id": who, "wrapped": wrapped} for who, wrapped in keys.new.items()])


async def destroy_keys(tx: Write, people: Collection[UUID]) -> None:
    """From the commit on nothing that was sealed for them can be opened."""
    if people:
        await tx.exec_driver_sql(_DESTROY, (list(people),))
