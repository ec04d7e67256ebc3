"""C2SP `tlog-cosignature`: what a witness adds, in the bytes that other tools expect."""

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.cosignature import Cosigner, WitnessKey
from services.audit.note import NoteRefusedError, Signer, Verifier, signature_of

LOG = Signer("gatehouse.test/audit", Ed25519PrivateKey.from_private_bytes(b"g" * 32))
WITNESS = Cosigner("witness.test/w1", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
NOTE = LOG.checkpoint(1234, bytes(range(32)))
TEXT = LOG.verifier.open(NOTE)
MOMENT = 1_679_315_147
COSIGNED = NOTE + WITNESS.cosign(TEXT, MOMENT)

# The example of the specification: its witness's key is not published, but how the line is made up can be read off it.
EXAMPLE = (
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZ"
    "qhf5nNo0xUe+mbIUBkBIfZ+qnA=="
)


def test_a_line_is_made_up_like_the_example_of_the_specification() -> None:
    name, theirs = signature_of(EXAMPLE)
    _, ours = signature_of(WITNESS.cosign(TEXT, MOMENT)[:-1])

    assert name == "witness.example.com/w1"
    assert len(ours) == len(theirs) == 4 + 8 + 64
    assert ours[4:12] == theirs[4:12] == MOMENT.to_bytes(8, "big")


def test_it_signs_the_moment_and_the_whole_text() -> None:
    signature = signature_of(WITNESS.cosign(TEXT, MOMENT)[:-1])[1]

    WITNESS.key.public_key().verify(signature[12:], f"cosignature/v1\ntime {MOMENT}\n{TEXT}".encode())


def test_a_cosigned_checkpoint_is_still_the_logs() -> None:
    assert LOG.verifier.checkpoint(COSIGNED) == LOG.verifier.checkpoint(NOTE)
    assert WITNESS.verifier.moment(COSIGNED) == MOMENT
    assert both_vouch_for(COSIGNED)


def test_a_witness_key_is_written_like_other_tools_write_it_and_read_again() -> None:
    key = WITNESS.verifier
    identity = sha256(b"witness.test/w1\n\x04" + key.key.public_bytes_raw()).hexdigest()[:8]

    assert (
        key.vkey() == f"witness.test/w1+{identity}+{base64.b64encode(bytes([4]) + key.key.public_bytes_raw()).decode()}"
    )
    assert WitnessKey.of(key.vkey()) == key


@pytest.mark.parametrize("vkey", ["", "witness", LOG.verifier.vkey(), WITNESS.verifier.vkey()[:-4]])
def test_what_is_no_witness_key_is_refused(vkey: str) -> None:
    with pytest.raises(NoteRefusedError):
        WitnessKey.of(vkey)


def both_vouch_for(note: str) -> bool:
    try:
        return bool(LOG.verifier.checkpoint(note) and WITNESS.verifier.moment(note))
    except NoteRefusedError:
        return False


@pytest.mark.parametrize("at", range(len(COSIGNED.encode())))
def test_no_byte_can_be_altered_without_the_log_or_the_witness_objecting(at: int) -> None:
    raw = COSIGNED.encode()
    altered = (raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]).decode("utf-8", "replace")

    assert not both_vouch_for(altered)


def test_the_logs_key_can_not_cosign_even_under_the_witness_name() -> None:
    forged = NOTE + Cosigner(WITNESS.name, LOG.key).cosign(TEXT, MOMENT)
    signed = NOTE + Signer(WITNESS.name, WITNESS.key).sign(TEXT).rpartition("\n\n")[2]

    for note in (NOTE, forged, signed):
        with pytest.raises(NoteRefusedError):
            WITNESS.verifier.moment(note)


def test_a_cosignature_is_of_one_checkpoint_alone() -> None:
    other = LOG.checkpoint(1235, bytes(32)) + COSIGNED[len(NOTE) :]

    with pytest.raises(NoteRefusedError):
        WITNESS.verifier.moment(other)


def test_a_witness_is_not_taken_for_a_log() -> None:
    with pytest.raises(NoteRefusedError):
        Verifier.of(WITNESS.verifier.vkey())
