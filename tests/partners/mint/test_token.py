"""Keys and signatures on paper, and the way from settings to a token."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.partners.mint.process import Pkcs11Process
from services.partners.mint.software import SoftwareToken, new_key
from services.partners.mint.token import KeyRefused, SignFailed, confirmed, from_jwk, to_jwk, verify
from services.partners.mint.tokens import build_token
from tests.partners.mint.benches import VOUCHER, software

JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
SIGNED = (
    b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    b"cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
)
SIGNATURE = base64.urlsafe_b64decode(
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q=="
)
"""Key, text and signature of RFC 7515 A.3; its s is in the upper half."""
KEY = from_jwk(JWK)


def test_the_published_signature_is_confirmed_and_brought_to_its_one_form() -> None:
    form = confirmed(KEY, SIGNED, SIGNATURE)

    assert verify(KEY, SIGNED, form)
    assert not verify(KEY, SIGNED, SIGNATURE)
    assert form[:32] == SIGNATURE[:32]
    assert confirmed(KEY, SIGNED, form) == form


def test_a_public_key_survives_its_jwk() -> None:
    keys = [generate_private_key(SECP256R1()).public_key() for _ in range(600)]  # some with a leading zero byte

    assert [from_jwk(to_jwk(key)) for key in keys] == keys


def test_the_jwk_names_its_key_and_its_use() -> None:
    assert to_jwk(KEY) == JWK | {"use": "sig", "alg": "ES256", "kid": "voucher"}
    assert to_jwk(KEY, kid="2026")["kid"] == "2026"


@pytest.mark.parametrize(
    "changed",
    [
        {"kty": "RSA"},
        {"crv": "P-384"},
        {"d": JWK["x"]},
        {"x": JWK["y"]},
        {"x": None},
        {"x": JWK["x"][:-1]},
        {"x": JWK["x"] + "="},
        {"y": "\N{SNOWMAN}" * 43},
    ],
    ids=["RSA", "P-384", "private", "off the curve", "no x", "short", "padded", "no base64"],
)
def test_anything_but_a_public_p256_key_is_no_key(changed: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - several reasons, one type
        from_jwk(JWK | changed)


@pytest.mark.parametrize("signature", [b"", bytes(64), b"\xff" * 64, bytes(63), bytes(65)], ids=len)
def test_what_is_no_signature_is_simply_not_valid(signature: bytes) -> None:
    assert not verify(KEY, VOUCHER, signature)


@pytest.mark.parametrize("raw", [b"", bytes(63), bytes(64), b"\xff" * 64, b"\x30\x44" + bytes(68)], ids=len)
def test_an_answer_that_is_no_signature_of_the_key_is_not_confirmed(raw: bytes) -> None:
    with pytest.raises(SignFailed):
        confirmed(KEY, VOUCHER, raw)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    bench = software(tmp_path)
    bench.place.chmod(mode)

    with pytest.raises(KeyRefused, match="others"):
        bench.build().sign(VOUCHER)


def pem(key: SECP256R1 | SECP384R1 | None) -> bytes:
    """A private key of a curve, or an Ed25519 one."""
    made = generate_private_key(key) if key else Ed25519PrivateKey.generate()
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return made.private_bytes(encoding, form, serialization.NoEncryption())


@pytest.mark.parametrize(
    "content",
    [b"", b"no key", new_key().encode()[:-40], pem(SECP384R1()), pem(None)],
    ids=["empty", "text", "cut off", "P-384", "Ed25519"],
)
def test_a_file_without_a_p256_key_is_refused(tmp_path: Path, content: bytes) -> None:
    bench = software(tmp_path)
    bench.place.write_bytes(content)

    with pytest.raises(KeyRefused):
        bench.build().public_key()


def test_settings_name_the_token(tmp_path: Path) -> None:
    software_token = build_token("software", key_file=tmp_path / "key.pem")
    pkcs11_token = build_token("pkcs11", "module.so", "gatehouse", "voucher", "1234")

    assert isinstance(software_token, SoftwareToken)
    assert isinstance(pkcs11_token, Pkcs11Process)
    assert (software_token.kind, pkcs11_token.kind) == ("software", "pkcs11")


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("software", "GATEHOUSE_HSM_KEY_FILE"),
        ("pkcs11", "GATEHOUSE_HSM_MODULE, GATEHOUSE_HSM_TOKEN, GATEHOUSE_HSM_KEY, GATEHOUSE_HSM_PIN"),
        ("", "GATEHOUSE_HSM_KIND"),
        ("yubihsm", "GATEHOUSE_HSM_KIND"),
    ],
)
def test_a_setting_that_is_missing_is_named_and_nothing_takes_its_place(kind: str, missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        build_token(kind)
