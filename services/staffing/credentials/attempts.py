"""The slow part of credential commands, before the transaction: unseal, look up, hash.

A new password is hashed only when its code is right, and a login always costs one verification, so neither a known
phone nor a wrong password shows in the time, and guesses do not buy CPU.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.credentials import CredentialCommand, OpenSession, Purpose, VerifyActivation
from services.chassis import Inbound
from services.staffing.credentials.ledger import Attempt
from services.staffing.credentials.otp import Challenge, Otp
from services.staffing.credentials.password_policy import weaknesses
from services.staffing.credentials.passwords import Passwords
from services.staffing.credentials.store import newest_challenges, password_hashes
from services.staffing.phone import PhoneFault, e164
from services.wire.sealing import Sealer


class Gatherer:
    """Works out an `Attempt` for each command of a batch, keyed by message id."""

    def __init__(self, engine: AsyncEngine, sealer: Sealer, otp: Otp, passwords: Passwords) -> None:
        self._engine, self._sealer, self._otp, self._passwords = engine, sealer, otp, passwords

    async def __call__(self, batch: Sequence[Inbound]) -> dict[UUID, Attempt]:
        commands = {i.message_id: i.request for i in batch if isinstance(i.request, CredentialCommand)}
        phones = {message_id: _phone(command) for message_id, command in commands.items()}
        async with self._engine.connect() as read:
            hashes = await password_hashes(read, [p for p in phones.values() if p])
            challenges = await newest_challenges(read, [self._otp.phone_key(p) for p in phones.values() if p])
        work = [
            self._attempt(command, phones[message_id], hashes, challenges) for message_id, command in commands.items()
        ]
        return dict(zip(commands, await asyncio.gather(*work), strict=True))

    async def _attempt(
        self, command: CredentialCommand, phone: str | None, hashes: dict[str, str], challenges: dict[str, Challenge]
    ) -> Attempt:
        if isinstance(command, OpenSession):
            password = self._sealer.unseal(command.sealed_password, Purpose.PASSWORD, command.phone)
            stored = hashes.get(phone or "")
            proven = await self._passwords.matches(stored, password)
            return Attempt(phone, proven_hash=stored if proven else None)
        if isinstance(command, VerifyActivation):
            return await self._verification(command, phone, challenges)
        return Attempt(phone)

    async def _verification(
        self, command: VerifyActivation, phone: str | None, challenges: dict[str, Challenge]
    ) -> Attempt:
        code = self._sealer.unseal(command.sealed_code, Purpose.CODE, command.phone)
        password = self._sealer.unseal(command.sealed_password, Purpose.PASSWORD, command.phone)
        challenge = challenges.get(self._otp.phone_key(phone)) if phone else None
        weak = weaknesses(password, phone)
        right = not weak and challenge is not None and self._otp.is_right(challenge, code)
        return Attempt(phone, code, weak, await self._passwords.hash(password) if right else None)


def _phone(command: CredentialCommand) -> str | None:
    number = e164(command.phone, command.region)
    return None if isinstance(number, PhoneFault) else number
