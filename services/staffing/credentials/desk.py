"""One batch of credential commands: the slow work first, then one short transaction."""

from collections import Counter
from collections.abc import Iterator, Sequence
from uuid import UUID

from contracts.credentials import CloseSession, RefreshSession, RequestActivation, VerifyActivation
from contracts.staff_events import StaffCommandRefused
from services.chassis import Desk, Inbound, Write
from services.staffing.credentials import store
from services.staffing.credentials.attempts import Gatherer
from services.staffing.credentials.caps import OtpLimits, lock_counters
from services.staffing.credentials.handlers import HANDLERS
from services.staffing.credentials.ledger import Attempt, Ledger
from services.staffing.credentials.notification import Prompts
from services.staffing.credentials.otp import Otp
from services.staffing.credentials.session import Tokens
from services.staffing.credentials.session_store import load_sessions, owners
from services.wire.sealing import Sealer


def credential_desk(gather: Gatherer, sealer: Sealer, otp: Otp, tokens: Tokens, limits: OtpLimits) -> Desk:
    async def load(tx: Write, fresh: Sequence[Inbound], gathered: dict[UUID, Attempt]) -> Ledger:
        attempts = {i.message_id: gathered[i.message_id] for i in fresh if i.message_id in gathered}
        ledger = Ledger(otp, tokens, sealer, Prompts(otp, limits), attempts)
        sessions = {i.actor.session_id for i in fresh if isinstance(i.request, CloseSession) and i.actor.session_id}
        used = {bytes.fromhex(i.request.refresh_sha256) for i in fresh if isinstance(i.request, RefreshSession)}
        await store.load_people(tx, ledger, await owners(tx, sessions, used))
        await load_sessions(tx, ledger, sessions, used)
        ledger.challenges = await store.take_tries(tx, Counter(_tried(fresh, ledger)))
        await _lock_counters(tx, fresh, ledger)
        return ledger

    return Desk(HANDLERS, load, store.save, StaffCommandRefused, gather)


def _tried(fresh: Sequence[Inbound], ledger: Ledger) -> Iterator[str]:
    """The phone key of each guess that will be looked at: a password that is refused costs no try."""
    for inbound in fresh:
        if isinstance(inbound.request, VerifyActivation):
            attempt = ledger.attempts[inbound.message_id]
            if attempt.phone and not attempt.weaknesses:
                yield ledger.otp.phone_key(attempt.phone)


async def _lock_counters(tx: Write, fresh: Sequence[Inbound], ledger: Ledger) -> None:
    caps = ledger.prompts.caps
    for inbound in fresh:
        if isinstance(inbound.request, RequestActivation):
            phone = ledger.attempts[inbound.message_id].phone
            ledger.caps[inbound.message_id] = caps.of_person(phone, inbound.context.ip)
    await lock_counters(tx, caps, {key for keys in ledger.caps.values() for key in keys.values()})
