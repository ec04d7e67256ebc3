"""What every token promises, whatever keeps its key."""

import hashlib
from collections.abc import Iterator

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import ECAlgorithm

from services.partners.mint.token import ORDER, Token, TokenUnavailable, to_jwk, verify
from tests.partners.mint.benches import VOUCHER, Bench

SIGNATURES = 64
"""The lower s comes by chance half of the time: 2^-64 that all of these had it."""


@pytest.fixture
def token(bench: Bench) -> Iterator[Token]:
    token = bench.build()
    yield token
    token.close()


def twin(signature: bytes) -> bytes:
    """The other signature that plain ECDSA accepts for the same message and key."""
    s = int.from_bytes(signature[32:])
    return signature[:32] + (ORDER - s).to_bytes(32)


def accepted_by_plain_ecdsa(token: Token, message: bytes, signature: bytes) -> bool:
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    try:
        token.public_key().verify(encode_dss_signature(r, s), message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def test_a_signature_is_good_for_its_message_and_its_key_alone(token: Token) -> None:
    signature = token.sign(VOUCHER)

    assert len(signature) == 64
    assert verify(token.public_key(), VOUCHER, signature)
    assert not verify(token.public_key(), VOUCHER.replace(b"1500", b"9500"), signature)
    assert not verify(generate_private_key(SECP256R1()).public_key(), VOUCHER, signature)


def test_a_signature_with_any_bit_turned_is_bad(token: Token) -> None:
    signature, key = int.from_bytes(token.sign(VOUCHER)), token.public_key()

    turned = [(signature ^ 1 << bit).to_bytes(64) for bit in range(512)]

    assert not any(verify(key, VOUCHER, altered) for altered in turned)


def test_a_signature_has_one_form(token: Token) -> None:
    signatures = [token.sign(VOUCHER) for _ in range(SIGNATURES)]

    assert all(int.from_bytes(signature[32:]) <= ORDER // 2 for signature in signatures)
    assert all(accepted_by_plain_ecdsa(token, VOUCHER, twin(signature)) for signature in signatures)
    assert not any(verify(token.public_key(), VOUCHER, twin(signature)) for signature in signatures)


@pytest.mark.parametrize("message", [b"", b"x", VOUCHER * 20_000], ids=["nothing", "one byte", "a megabyte"])
def test_a_message_of_any_length_is_signed_whole(token: Token, message: bytes) -> None:
    signature = token.sign(message)

    assert accepted_by_plain_ecdsa(token, message, signature)
    assert not verify(token.public_key(), message + b"\0", signature)


def test_a_digest_handed_in_is_a_message_like_any_other(token: Token) -> None:
    signature = token.sign(hashlib.sha256(VOUCHER).digest())

    assert not verify(token.public_key(), VOUCHER, signature)


def test_other_software_reads_the_key_and_the_signature(token: Token) -> None:
    algorithm = ECAlgorithm(ECAlgorithm.SHA256)
    key = ECAlgorithm.from_jwk(to_jwk(token.public_key()))

    assert algorithm.verify(VOUCHER, key, token.sign(VOUCHER))


def test_a_token_is_the_same_after_it_was_closed(token: Token, bench: Bench) -> None:
    key = token.public_key()

    token.close()
    token.close()

    assert verify(key, VOUCHER, token.sign(VOUCHER))
    token.close()
    assert bench.build().public_key() == key


def test_a_token_that_is_taken_away_is_unavailable_and_signs_again_once_it_is_back(token: Token, bench: Bench) -> None:
    key = token.public_key()
    token.check()

    bench.take_away()
    with pytest.raises(TokenUnavailable):
        token.check()
    with pytest.raises(TokenUnavailable):
        token.sign(VOUCHER)
    bench.bring_back()

    token.check()
    assert verify(key, VOUCHER, token.sign(VOUCHER))


def test_building_a_token_opens_nothing(bench: Bench) -> None:
    bench.take_away()

    assert bench.build().kind in {"pkcs11", "software"}
