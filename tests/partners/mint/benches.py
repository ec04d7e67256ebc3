"""A token of each kind on a bench: made as `gatehouse up` makes it, taken away and brought back underneath."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PyKCS11

from deploy.local.home import Home
from deploy.local.hsm import Settings, prepare
from services.partners.mint.pkcs11 import P256, Access, Pkcs11Token
from services.partners.mint.process import Pkcs11Process
from services.partners.mint.software import SoftwareToken, new_key
from services.partners.mint.token import Token

PIN = "correct horse battery staple"
P384 = bytes.fromhex("06052b81040022")
VOUCHER = b'{"amount":"1500.00","currency":"USDT","invoice":"0197a3f2"}'


@dataclass(frozen=True, slots=True)
class Bench:
    """`build` makes a token that is not opened yet; `place` is what it cannot work without."""

    build: Callable[[], Token]
    place: Path

    @property
    def elsewhere(self) -> Path:
        return self.place.with_name(self.place.name + ".gone")

    def take_away(self) -> None:
        self.place.rename(self.elsewhere)

    def bring_back(self) -> None:
        self.elsewhere.rename(self.place)


def software(directory: Path) -> Bench:
    file = directory / "voucher_key.pem"
    file.touch(0o600)
    file.write_text(new_key())
    return Bench(lambda: SoftwareToken(file), file)


def make_token(directory: Path) -> Settings:
    """As `gatehouse up` does it; takes two processes, so it is done once a run."""
    home = Home(directory)
    home.prepare()
    settings = prepare(home, PIN)
    assert settings["GATEHOUSE_HSM_KIND"] == "pkcs11"
    return settings


class Vault:
    """A SoftHSM token as its administrator sees it: the raw module, logged in with the right PIN."""

    def __init__(self, made: Settings, directory: Path) -> None:
        """A copy of a token that `prepare` made, so that a test may do with it what it likes."""
        conf = Path(made["SOFTHSM2_CONF"])
        place = Path(shutil.copytree(conf.parent, directory / "mint"))
        self.tokens, self.conf = place / "tokens", place / conf.name
        self.conf.write_text(conf.read_text().replace(str(conf.parent), str(place)))
        names = ("MODULE", "TOKEN", "KEY", "PIN")
        self.access = Access(*(made[f"GATEHOUSE_HSM_{name}"] for name in names))

    def within(self) -> Bench:
        """The token in this process; SOFTHSM2_CONF must name `conf`."""
        return Bench(lambda: Pkcs11Token(self.access), self.tokens)

    def apart(self, deadline: float = 5.0) -> Bench:
        return Bench(lambda: Pkcs11Process(self.access, self.conf, deadline), self.tokens)

    @contextmanager
    def module(self) -> Iterator[tuple[Any, int]]:
        """The library and the token's slot."""
        assert os.environ["SOFTHSM2_CONF"] == str(self.conf)
        library = PyKCS11.PyKCS11Lib()
        library.load(self.access.module)
        slots = library.getSlotList(tokenPresent=True)
        [slot] = [slot for slot in slots if library.getTokenInfo(slot).label.rstrip() == self.access.token]
        try:
            yield library, slot
        finally:
            library.unload()

    @contextmanager
    def session(self) -> Iterator[Any]:
        """A session that may change the token."""
        with self.module() as (library, slot):
            session = library.openSession(slot, PyKCS11.CKF_RW_SESSION)
            session.login(self.access.pin)
            yield session


def find(session: Any, kind: int, label: str = "voucher") -> Any:
    [found] = session.findObjects([(PyKCS11.CKA_CLASS, kind), (PyKCS11.CKA_LABEL, label)])
    return found


def add_key(session: Any, label: str, *, curve: bytes = P256, **changed: bool) -> tuple[Any, Any]:
    """A key pair like the voucher's, except for what is changed (`extractable=True`, `sign=False`)."""
    kept = {"private": True, "sensitive": True, "extractable": False, "sign": True} | changed
    name = [(PyKCS11.CKA_LABEL, label), (PyKCS11.CKA_ID, label.encode()), (PyKCS11.CKA_TOKEN, PyKCS11.CK_TRUE)]
    private = [*name, *((getattr(PyKCS11, f"CKA_{use.upper()}"), int(value)) for use, value in kept.items())]
    public = [*name, (PyKCS11.CKA_EC_PARAMS, curve), (PyKCS11.CKA_VERIFY, PyKCS11.CK_TRUE)]
    pair: tuple[Any, Any] = session.generateKeyPair(public, private, PyKCS11.MechanismECGENERATEKEYPAIR)
    return pair
