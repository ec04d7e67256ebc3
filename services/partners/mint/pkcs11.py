"""A key in a PKCS#11 module, through PyKCS11.

PyKCS11 keeps the interpreter's lock during every call (seen: 8 s in the module, no other thread moved), so a module
that hangs would stop everything around it. Services therefore use `Pkcs11Process`, which runs this in a process of
its own. Sessions get lost: a card is pulled, an HSM restarts, somebody closes them. A call that meets this closes
the module, opens all of it anew and is tried once more.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import PyKCS11
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from PyKCS11 import PyKCS11Error

from services.partners.mint.token import KeyRefused, PinRefused, SignFailed, Token, TokenUnavailable, confirmed, digest

P256 = bytes.fromhex("06082a8648ce3d030107")
"""The curve's object identifier in DER, as CKA_EC_PARAMS holds it (RFC 5480 §2.1.1.1)."""
POINT_HEADER = b"\x04\x41"
"""CKA_EC_POINT is a DER octet string of 65 bytes around the uncompressed point."""

WRONG_PIN = {
    PyKCS11.CKR_PIN_INCORRECT,
    PyKCS11.CKR_PIN_INVALID,
    PyKCS11.CKR_PIN_LEN_RANGE,
    PyKCS11.CKR_PIN_EXPIRED,
    PyKCS11.CKR_PIN_LOCKED,
    PyKCS11.CKR_USER_PIN_NOT_INITIALIZED,
    PyKCS11.CKR_ARGUMENTS_BAD,  # SoftHSM's word for an empty one
}
LOST = {
    PyKCS11.CKR_SESSION_HANDLE_INVALID,
    PyKCS11.CKR_SESSION_CLOSED,
    PyKCS11.CKR_DEVICE_REMOVED,
    PyKCS11.CKR_DEVICE_ERROR,
    PyKCS11.CKR_TOKEN_NOT_PRESENT,
    PyKCS11.CKR_TOKEN_NOT_RECOGNIZED,
    PyKCS11.CKR_SLOT_ID_INVALID,
    PyKCS11.CKR_USER_NOT_LOGGED_IN,
    PyKCS11.CKR_KEY_HANDLE_INVALID,
    PyKCS11.CKR_OBJECT_HANDLE_INVALID,
    PyKCS11.CKR_CRYPTOKI_NOT_INITIALIZED,
}
LOGGED_IN = {PyKCS11.CKS_RO_USER_FUNCTIONS, PyKCS11.CKS_RW_USER_FUNCTIONS}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Access:
    """Which key of which token, and the PIN that opens it; the PIN is in no text of it."""

    module: str
    token: str
    key: str
    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """A session that is logged in, and the handle of the private key in it.

    No text of it: PyKCS11 asks the token when a handle is printed, and crashes once that is closed.
    """

    session: Any
    key: Any
    public_key: EllipticCurvePublicKey

    def sign(self, message: bytes) -> bytes:
        raw = bytes(self.session.sign(self.key, digest(message), PyKCS11.Mechanism(PyKCS11.CKM_ECDSA)))
        return confirmed(self.public_key, message, raw)

    def check(self) -> None:
        """Logged in, and the key is still where it was."""
        if self.session.getSessionInfo().state not in LOGGED_IN:
            raise PyKCS11Error(PyKCS11.CKR_USER_NOT_LOGGED_IN)
        self.session.getAttributeValue(self.key, [PyKCS11.CKA_SIGN])


class Pkcs11Token(Token):
    """Signs with a key that cannot leave the module: sensitive and not extractable, or it is refused."""

    kind = "pkcs11"

    def __init__(self, access: Access) -> None:
        self._access = access
        self._module: Any = None
        self._opened: Opened | None = None
        self._pin_refused = ""

    def public_key(self) -> EllipticCurvePublicKey:
        return self._open().public_key

    def sign(self, message: bytes) -> bytes:
        return self._ask(lambda opened: opened.sign(message))

    def check(self) -> None:
        self._ask(Opened.check)

    def close(self) -> None:
        """C_Finalize ends every session; a module that is asked anew sees tokens that came or went meanwhile."""
        module, self._module, self._opened = self._module, None, None
        if module:
            module.unload()

    def _ask(self, call: Callable[[Opened], T], *, again: bool = True) -> T:
        """What `call` gives; a session that turns out to be lost is opened anew, once."""
        try:
            return call(self._open())
        except PyKCS11Error as error:
            self.close()
            if error.value not in LOST:
                raise SignFailed(str(error)) from error
            if not again:
                raise TokenUnavailable(f"lost again at once: {error}") from error
        return self._ask(call, again=False)

    def _open(self) -> Opened:
        """What is open, or all of it anew; TokenUnavailable when that cannot be."""
        if self._pin_refused:
            raise PinRefused(self._pin_refused)
        if self._opened is None:
            try:
                self._opened = self._log_in()
            except PyKCS11Error as error:
                self.close()
                raise TokenUnavailable(str(error)) from error
            except TokenUnavailable:
                self.close()
                raise
        return self._opened

    def _log_in(self) -> Opened:
        self._module = PyKCS11.PyKCS11Lib()
        self._module.load(self._access.module)
        session = self._module.openSession(self._slot())
        try:
            session.login(self._access.pin)
        except PyKCS11Error as error:
            if error.value in WRONG_PIN:
                self._pin_refused = f"the token {self._access.token} does not take the PIN: {error}"
                raise PinRefused(self._pin_refused) from error
            raise
        return Opened(session, _private(session, self._access.key), _public(session, self._access.key))

    def _slot(self) -> int:
        slots = self._module.getSlotList(tokenPresent=True)
        found = [slot for slot in slots if self._module.getTokenInfo(slot).label.rstrip() == self._access.token]
        if len(found) != 1:
            raise TokenUnavailable(f"{len(found)} tokens are called {self._access.token}")
        return int(found[0])


def _private(session: Any, label: str) -> Any:
    """The handle of the one private key; KeyRefused if it could leave the token."""
    key = _only(session, PyKCS11.CKO_PRIVATE_KEY, label)
    names = [PyKCS11.CKA_EC_PARAMS, PyKCS11.CKA_SENSITIVE, PyKCS11.CKA_EXTRACTABLE]
    curve, sensitive, extractable = session.getAttributeValue(key, names)
    if curve is None or bytes(curve) != P256:
        raise KeyRefused(f"{label} is no P-256 key")
    if not sensitive or extractable is not False:
        raise KeyRefused(f"{label} could be read out of its token")
    return key


def _public(session: Any, label: str) -> EllipticCurvePublicKey:
    [point] = session.getAttributeValue(_only(session, PyKCS11.CKO_PUBLIC_KEY, label), [PyKCS11.CKA_EC_POINT])
    try:
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), bytes(point or ()).removeprefix(POINT_HEADER))
    except ValueError as error:
        raise KeyRefused(f"the public half of {label} is no point of P-256") from error


def _only(session: Any, kind: int, label: str) -> Any:
    found = session.findObjects([(PyKCS11.CKA_CLASS, kind), (PyKCS11.CKA_LABEL, label)])
    if len(found) != 1:
        raise KeyRefused(f"{len(found)} keys are called {label}")
    return found[0]
