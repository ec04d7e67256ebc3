"""Makes the development token: run as a process of its own, since SoftHSM takes its files from the environment.

    echo '{"module": "...", "pin": "..."}' | SOFTHSM2_CONF=... python -m deploy.local.hsm_token

The directory that SOFTHSM2_CONF names must hold no token yet. The security officer's PIN is random and forgotten: the
key can be used with the user's PIN, and nobody can set that one anew.
"""

import json
import secrets
import sys
from typing import Any

import PyKCS11
from PyKCS11 import CK_FALSE, CK_TRUE

from services.partners.mint.pkcs11 import P256

TOKEN, KEY = "gatehouse", "voucher"
LABEL_LENGTH = 32
"""C_InitToken reads that many bytes, whatever it was given."""

NAME = [(PyKCS11.CKA_LABEL, KEY), (PyKCS11.CKA_ID, KEY.encode()), (PyKCS11.CKA_TOKEN, CK_TRUE)]
PUBLIC = [*NAME, (PyKCS11.CKA_EC_PARAMS, P256), (PyKCS11.CKA_VERIFY, CK_TRUE)]
PRIVATE = [
    *NAME,
    (PyKCS11.CKA_PRIVATE, CK_TRUE),
    (PyKCS11.CKA_SENSITIVE, CK_TRUE),
    (PyKCS11.CKA_EXTRACTABLE, CK_FALSE),
    (PyKCS11.CKA_SIGN, CK_TRUE),
    *((use, CK_FALSE) for use in (PyKCS11.CKA_DERIVE, PyKCS11.CKA_DECRYPT, PyKCS11.CKA_UNWRAP)),
]


def make(module: str, pin: str) -> None:
    """One token with one key pair that signs and does nothing else."""
    library = PyKCS11.PyKCS11Lib()
    library.load(module)
    slot = _initialise(library, pin)
    session = library.openSession(slot, PyKCS11.CKF_RW_SESSION)
    session.login(pin)
    session.generateKeyPair(PUBLIC, PRIVATE, PyKCS11.MechanismECGENERATEKEYPAIR)
    library.unload()


def _initialise(library: Any, pin: str) -> int:
    [slot] = library.getSlotList(tokenPresent=True)
    officer = secrets.token_hex(16)
    library.initToken(slot, officer, TOKEN.ljust(LABEL_LENGTH))
    session = library.openSession(slot, PyKCS11.CKF_RW_SESSION)
    session.login(officer, PyKCS11.CKU_SO)
    session.initPin(pin)
    session.logout()
    session.closeSession()
    return int(slot)


if __name__ == "__main__":
    make(**json.load(sys.stdin))
