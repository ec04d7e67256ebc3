"""The key cannot leave its token; a lost session is found again; a wrong PIN is tried once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import PyKCS11
import pytest
from PyKCS11 import PyKCS11Error

from services.partners.mint.pkcs11 import Access, Pkcs11Token
from services.partners.mint.process import Pkcs11Process
from services.partners.mint.token import KeyRefused, PinRefused, SignFailed, Token, TokenUnavailable, verify
from tests.partners.mint.benches import P384, PIN, VOUCHER, Vault, add_key, find

PRIVATE, PUBLIC = PyKCS11.CKO_PRIVATE_KEY, PyKCS11.CKO_PUBLIC_KEY
CANNOT_LEAVE = (PyKCS11.CKR_KEY_UNEXTRACTABLE, PyKCS11.CKR_KEY_NOT_WRAPPABLE)

Open = Callable[[Access], Token]


@pytest.fixture
def token(vault: Vault) -> Iterator[Token]:
    token = vault.within().build()
    yield token
    token.close()


@pytest.fixture(params=["within", "apart"])
def open_token(request: pytest.FixtureRequest, vault: Vault) -> Iterator[Open]:
    """Builds tokens in this process, then in one of their own; all of them are closed at the end."""
    built: list[Token] = []

    def build(access: Access) -> Token:
        built.append(Pkcs11Token(access) if request.param == "within" else Pkcs11Process(access, vault.conf))
        return built[-1]

    yield build
    for token in built:
        token.close()


def close_sessions(vault: Vault) -> None:
    with vault.module() as (library, slot):
        library.closeAllSessions(slot)


def log_out(vault: Vault) -> None:
    with vault.module() as (library, slot):
        library.openSession(slot).logout()


def finalise(vault: Vault) -> None:
    with vault.module() as (library, _):
        library.lib.C_Finalize()


def wrapped(vault: Vault, label: str) -> bytes:
    """The private key wrapped with an AES key that the attacker made on the token and therefore can read."""
    aes = [(PyKCS11.CKA_WRAP, PyKCS11.CK_TRUE), (PyKCS11.CKA_VALUE_LEN, 32)]
    with vault.session() as session:
        wrapping = session.generateKey(aes)
        mechanism = PyKCS11.Mechanism(PyKCS11.CKM_AES_KEY_WRAP_PAD)
        return bytes(session.wrapKey(wrapping, find(session, PRIVATE, label), mechanism))


def value(vault: Vault, label: str) -> bytes | None:
    with vault.session() as session:
        [value] = session.getAttributeValue(find(session, PRIVATE, label), [PyKCS11.CKA_VALUE])
        return bytes(value) if value else None


def test_the_key_can_neither_be_read_nor_wrapped(vault: Vault) -> None:
    assert value(vault, "voucher") is None
    with pytest.raises(PyKCS11Error) as refusal:
        wrapped(vault, "voucher")

    assert refusal.value.value in CANNOT_LEAVE


def test_the_same_attempts_succeed_on_a_key_that_was_made_carelessly(vault: Vault) -> None:
    with vault.session() as session:
        add_key(session, "careless", extractable=True, sensitive=False)

    assert len(value(vault, "careless") or b"") == 32
    assert len(wrapped(vault, "careless")) > 32


def test_the_key_cannot_be_made_extractable_afterwards(vault: Vault) -> None:
    careless = {PyKCS11.CKA_EXTRACTABLE: PyKCS11.CK_TRUE, PyKCS11.CKA_SENSITIVE: PyKCS11.CK_FALSE}

    with vault.session() as session:
        key = find(session, PRIVATE)
        for change in careless.items():
            with pytest.raises(PyKCS11Error):
                session.setAttributeValue(key, [change])

        assert session.getAttributeValue(key, list(careless)) == [False, True]


def test_the_key_does_nothing_but_sign(vault: Vault) -> None:
    uses = [getattr(PyKCS11, f"CKA_{use}") for use in ("SIGN", "DECRYPT", "DERIVE", "UNWRAP")]

    with vault.session() as session:
        assert session.getAttributeValue(find(session, PRIVATE), uses) == [True, False, False, False]


@pytest.mark.parametrize("careless", ["extractable", "not sensitive"])
def test_a_key_that_could_leave_its_token_is_refused(vault: Vault, open_token: Open, careless: str) -> None:
    with vault.session() as session:
        add_key(session, "careless", extractable=careless == "extractable", sensitive=careless != "not sensitive")

    with pytest.raises(KeyRefused, match="read out"):
        open_token(replace(vault.access, key="careless")).sign(VOUCHER)


def test_a_key_of_another_curve_is_refused(vault: Vault, open_token: Open) -> None:
    with vault.session() as session:
        add_key(session, "other", curve=P384)

    with pytest.raises(KeyRefused, match="other is no P-256 key"):
        open_token(replace(vault.access, key="other")).sign(VOUCHER)


def test_two_keys_of_one_name_are_refused(vault: Vault, open_token: Open) -> None:
    with vault.session() as session:
        add_key(session, "voucher")

    with pytest.raises(KeyRefused, match="2 keys"):
        open_token(vault.access).sign(VOUCHER)


@pytest.mark.parametrize(("part", "error"), [("key", KeyRefused), ("token", TokenUnavailable)])
def test_a_name_that_is_not_there_is_said(
    vault: Vault, open_token: Open, part: str, error: type[TokenUnavailable]
) -> None:
    access = replace(vault.access, **{part: "elsewhere"})

    with pytest.raises(error, match=r"0 \w+ are called elsewhere"):
        open_token(access).check()


def test_an_error_of_the_token_is_no_signature(vault: Vault, open_token: Open) -> None:
    with vault.session() as session:
        add_key(session, "mute", sign=False)
    mute = open_token(replace(vault.access, key="mute"))

    with pytest.raises(SignFailed, match="CKR_KEY_FUNCTION_NOT_PERMITTED"):
        mute.sign(VOUCHER)


def test_a_signature_of_another_key_than_the_public_one_is_not_given_out(vault: Vault, open_token: Open) -> None:
    with vault.session() as session:
        public, _ = add_key(session, "stranger")
        session.destroyObject(find(session, PUBLIC, "voucher"))
        session.setAttributeValue(public, [(PyKCS11.CKA_LABEL, "voucher")])

    with pytest.raises(SignFailed, match="own public key"):
        open_token(vault.access).sign(VOUCHER)


@pytest.mark.parametrize("lose", [close_sessions, log_out, finalise])
def test_a_session_lost_between_two_signatures_is_opened_again(
    vault: Vault, token: Token, lose: Callable[[Vault], None]
) -> None:
    key = token.public_key()
    token.sign(VOUCHER)

    lose(vault)
    assert verify(key, VOUCHER, token.sign(VOUCHER))
    lose(vault)
    token.check()


def test_a_wrong_pin_is_tried_once(vault: Vault, open_token: Open) -> None:
    token = open_token(replace(vault.access, pin="1234"))
    with pytest.raises(PinRefused):
        token.sign(VOUCHER)
    with vault.session() as session:
        session.setPin(PIN, "1234")  # a second try would now succeed

    for _ in range(3):
        with pytest.raises(PinRefused):
            token.check()
        with pytest.raises(PinRefused):
            token.public_key()

    assert open_token(replace(vault.access, pin="1234")).sign(VOUCHER)


def test_the_right_pin_works_after_a_wrong_one(vault: Vault, open_token: Open) -> None:
    for wrong in ("", "1", "wrong", PIN + "!", PIN * 20):
        with pytest.raises(PinRefused):
            open_token(replace(vault.access, pin=wrong)).sign(VOUCHER)

    assert open_token(vault.access).sign(VOUCHER)


def test_a_refusal_does_not_tell_the_pin(vault: Vault, open_token: Open) -> None:
    access = replace(vault.access, pin="s3cr3t-p1n")

    with pytest.raises(PinRefused) as refusal:
        open_token(access).sign(VOUCHER)

    assert "s3cr3t" not in f"{refusal.value!r} {access!r}"


def test_a_module_that_is_not_there_yet_is_used_once_it_is(vault: Vault, open_token: Open, tmp_path: Path) -> None:
    module = tmp_path / "libsofthsm2.so"
    token = open_token(replace(vault.access, module=str(module)))
    for _ in range(2):
        with pytest.raises(TokenUnavailable):
            token.sign(VOUCHER)

    module.symlink_to(vault.access.module)

    assert verify(token.public_key(), VOUCHER, token.sign(VOUCHER))


@pytest.mark.parametrize("content", [b"", b"no library at all"], ids=["empty", "text"])
def test_a_file_that_is_no_module_is_unavailable(
    vault: Vault, open_token: Open, tmp_path: Path, content: bytes
) -> None:
    module = tmp_path / "module.so"
    module.write_bytes(content)

    with pytest.raises(TokenUnavailable):
        open_token(replace(vault.access, module=str(module))).check()
