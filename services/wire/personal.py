"""Keys of people: each person has one, and what events say of them opens with it and with nothing else.

A key is 32 random bytes, wrapped by the owner service's master key, which is in its settings and in no database: the
database alone opens nothing, and a person whose row is deleted is closed for ever, in every copy of the log.
"""

import base64
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from contracts.message import EventData

PREFIX = "gh1"
_NONCE_BYTES, _KEY_BYTES = 12, 32


class UnopenableError(Exception):
    """Sealed under another key, for another place, or altered."""


class SealedParts(NamedTuple):
    """A sealed text taken apart; whose it is stands in the open."""

    person_id: UUID
    box: bytes

    @classmethod
    def of(cls, text: str) -> "SealedParts":
        """Raises UnopenableError."""
        try:
            prefix, person_id, encoded = text.split(".")
            if prefix == PREFIX:
                return cls(UUID(person_id), _raw(encoded))
        except ValueError as error:
            raise UnopenableError("not a sealed text") from error
        raise UnopenableError("not a sealed text")


class PersonKey:
    """One person's key, unwrapped. Its texts are bound to the event type and the field they stand in."""

    def __init__(self, person_id: UUID, raw: bytes) -> None:
        self._person_id, self._cipher = person_id, AESGCM(raw)

    def seal(self, text: str, event: str, field: str) -> str:
        nonce = os.urandom(_NONCE_BYTES)
        box = nonce + self._cipher.encrypt(nonce, text.encode(), self._place(event, field))
        return f"{PREFIX}.{self._person_id}.{base64.urlsafe_b64encode(box).rstrip(b'=').decode()}"

    def fields(self, event: type[EventData], **texts: str) -> dict[str, Any]:
        """The texts as fields of this event."""
        return {name: self.seal(text, event.type, name) for name, text in texts.items()}

    def open(self, parts: SealedParts, event: str, field: str) -> str:
        """Raises UnopenableError."""
        nonce, box = parts.box[:_NONCE_BYTES], parts.box[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, box, self._place(event, field)).decode()
        except (InvalidTag, ValueError) as error:
            raise UnopenableError("cannot be opened for this place") from error

    def _place(self, event: str, field: str) -> bytes:
        return "\0".join((PREFIX, event, field, str(self._person_id))).encode()


class MasterKey:
    """Wraps people's keys; made from 32 random bytes in base64url. Other uses have keys derived apart.

    `accepted` are keys that come or go: they open what was wrapped under them, and nothing is wrapped under them.
    """

    def __init__(self, encoded: str, accepted: Sequence[str] = ()) -> None:
        secrets = [_secret(text) for text in (encoded, *accepted)]
        self._ciphers = [AESGCM(_derived(secret, b"gatehouse.person-keys")) for secret in secrets]
        self.fingerprint_keys = tuple(_derived(secret, b"gatehouse.fingerprints") for secret in secrets)

    def wrap(self, person_id: UUID, raw: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, raw, person_id.bytes)

    def unwrap(self, person_id: UUID, wrapped: bytes) -> PersonKey:
        """Raises UnopenableError: wrapped under another master key, or for somebody else."""
        raw, _ = self._opened(person_id, wrapped)
        return PersonKey(person_id, raw)

    def rewrapped(self, person_id: UUID, wrapped: bytes) -> bytes | None:
        """The same key under the current master key; None where it is already. Raises UnopenableError."""
        raw, nth = self._opened(person_id, wrapped)
        return self.wrap(person_id, raw) if nth else None

    def _opened(self, person_id: UUID, wrapped: bytes) -> tuple[bytes, int]:
        """The key, and under which of the master keys it was."""
        for nth, cipher in enumerate(self._ciphers):
            with suppress(InvalidTag, ValueError):
                return cipher.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], person_id.bytes), nth
        raise UnopenableError("the person's key cannot be unwrapped")


@dataclass(slots=True)
class Keyring:
    """The keys of the people in one batch: stored ones, opened as they are needed, and `new` ones, to be stored."""

    master: MasterKey
    stored: dict[UUID, bytes] = field(default_factory=dict)
    opened: dict[UUID, PersonKey] = field(default_factory=dict)
    new: dict[UUID, bytes] = field(default_factory=dict)

    def know(self, person_id: UUID, wrapped: bytes) -> None:
        self.stored[person_id] = wrapped

    def of(self, person_id: UUID) -> PersonKey:
        """Whoever has no key yet gets one; never ask for somebody who is erased."""
        if person_id in self.stored and person_id not in self.opened:
            self.opened[person_id] = self.master.unwrap(person_id, self.stored[person_id])
        elif person_id not in self.opened:
            raw = os.urandom(_KEY_BYTES)
            self.new[person_id] = self.master.wrap(person_id, raw)
            self.opened[person_id] = PersonKey(person_id, raw)
        return self.opened[person_id]

    def copied(self) -> "Keyring":
        """For a trial: a key made for the copy is stored only if the copy is kept."""
        return replace(self, stored=dict(self.stored), opened=dict(self.opened), new=dict(self.new))


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA512(), _KEY_BYTES, salt=None, info=purpose).derive(secret)


def _raw(encoded: str) -> bytes:
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


def _secret(encoded: str) -> bytes:
    secret = _raw(encoded)
    if len(secret) != _KEY_BYTES:
        raise ValueError("a master key is 32 bytes in base64url")
    return secret
