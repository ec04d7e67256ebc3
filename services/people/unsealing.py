"""Open what one's own events say of people, for who may know it; whoever is erased stays closed."""

from collections.abc import Mapping
from uuid import UUID

from contracts.failures import Code
from contracts.personal import Opened, OpenedTexts, SealedField, Unseal
from services.chassis.database import Read, fetch
from services.chassis.outcome import Call, Outcome, Refusal, Reply
from services.chassis.queries import QueryHandler
from services.wire.allowlist import Allowlist
from services.wire.personal import MasterKey, PersonKey, SealedParts, UnopenableError

_KEYS = "SELECT person_id, wrapped FROM person_keys WHERE person_id = ANY($1::uuid[])"


def unsealing(master: MasterKey, root_admins: Allowlist) -> QueryHandler:
    async def unseal(query: Unseal, call: Call, read: Read) -> Outcome:
        root_admins.refresh()
        if not root_admins.allows(call.actor):
            return Refusal(Code.ROOT_ADMIN_REQUIRED)
        people = {parts.person_id for field in query.sealed if (parts := _parts(field))}
        keys = {who: master.unwrap(who, wrapped) for who, wrapped in await fetch(read, _KEYS, list(people))}
        return Reply(200, OpenedTexts(data=tuple(_opened(field, keys) for field in query.sealed)))

    return unseal


def _opened(field: SealedField, keys: Mapping[UUID, PersonKey]) -> Opened:
    parts = _parts(field)
    if parts is None:
        return Opened(text=None, erased=False)
    key = keys.get(parts.person_id)
    if key is None:
        return Opened(text=None, erased=True)
    try:
        return Opened(text=key.open(parts, field.event, field.field), erased=False)
    except UnopenableError:
        return Opened(text=None, erased=False)


def _parts(field: SealedField) -> SealedParts | None:
    try:
        return SealedParts.of(field.text)
    except UnopenableError:
        return None
