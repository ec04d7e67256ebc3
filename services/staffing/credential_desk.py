"""One batch of credential commands: the slow work first, then one short transaction."""

from collections.abc import Sequence
from uuid import UUID

from contracts.staff_events import StaffCommandRefused
from services.chassis import Desk, Inbound, Write
from services.staffing import credential_store
from services.staffing.attempts import Gatherer
from services.staffing.credentials import HANDLERS
from services.staffing.ledger import Attempt, Ledger
from services.staffing.notification import Prompts
from services.staffing.otp import Otp
from services.staffing.session import Tokens
from services.wire.sealing import Sealer


def credential_desk(gather: Gatherer, sealer: Sealer, otp: Otp, tokens: Tokens) -> Desk:
    async def load(tx: Write, fresh: Sequence[Inbound], gathered: dict[UUID, Attempt]) -> Ledger:
        attempts = {inbound.message_id: gathered[inbound.message_id] for inbound in fresh}
        ledger = Ledger(otp, tokens, sealer, Prompts(otp), attempts)
        await credential_store.load(tx, ledger)
        return ledger

    return Desk(HANDLERS, load, credential_store.save, StaffCommandRefused, gather)
