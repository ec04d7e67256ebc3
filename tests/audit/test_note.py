"""A6: checkpoints are signed notes that other tools can read."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.note import Checkpoint, NoteRefusedError, Signer, Verifier, parse_checkpoint

# The worked example in the documentation of golang.org/x/mod/sumdb/note.
PETER = Signer(
    "PeterNeumann",
    Ed25519PrivateKey.from_private_bytes(base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]),
)
PETERS_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETERS_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)

SIGNER = Signer("gatehouse.test/audit", Ed25519PrivateKey.from_private_bytes(b"g" * 32))
WITNESS = Signer("witness.test", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
ROOT = bytes(range(32))
NOTE = SIGNER.checkpoint(1234, ROOT)


def test_a_note_is_byte_for_byte_the_one_that_go_signs() -> None:
    assert PETER.sign(PETERS_TEXT) == f"{PETERS_TEXT}\n{PETERS_LINE}\n"
    assert PETER.verifier.vkey() == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_a_verifier_is_made_of_its_key_as_other_tools_write_it() -> None:
    assert Verifier.of(PETER.verifier.vkey()).open(PETER.sign(PETERS_TEXT)) == PETERS_TEXT


PETERS_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "PeterNeumann",
        PETERS_KEY.replace("Peter", "Paul"),
        PETERS_KEY.replace("c7", "c8"),
        PETERS_KEY.replace("+AR", "+AS"),
        PETERS_KEY.replace("+AR", "+CR"),
        PETERS_KEY[:-4],
        PETERS_KEY + "\n",
        PETERS_KEY.replace("PeterNeumann", ""),
    ],
)
def test_what_is_no_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(NoteRefusedError):
        Verifier.of(vkey)


def test_a_checkpoint_has_origin_size_and_root_on_a_line_each() -> None:
    assert NOTE.split("\n\n")[0] == "gatehouse.test/audit\n1234\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert SIGNER.verifier.checkpoint(NOTE) == Checkpoint("gatehouse.test/audit", 1234, ROOT)


def test_a_witness_signs_the_same_note_and_both_keys_open_it() -> None:  # built for issue 6
    text = SIGNER.verifier.open(NOTE)
    both = NOTE + WITNESS.sign(text).rpartition("\n\n")[2]

    assert SIGNER.verifier.open(both) == WITNESS.verifier.open(both) == text


@pytest.mark.parametrize("at", range(len(NOTE.encode())))
def test_no_byte_of_a_checkpoint_can_be_altered(at: int) -> None:
    raw = NOTE.encode()
    altered = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]

    with pytest.raises(NoteRefusedError):
        SIGNER.verifier.checkpoint(altered.decode("utf-8", "replace"))


@pytest.mark.parametrize(
    "note",
    [
        pytest.param("", id="nothing"),
        pytest.param(NOTE.split("\n\n")[0] + "\n", id="unsigned"),
        pytest.param(NOTE[:-1], id="without the last newline"),
        pytest.param(NOTE.replace("1234", "01234"), id="a size with a leading zero"),
        pytest.param(NOTE + "\n", id="with an empty line behind"),
        pytest.param(NOTE + "— someone not-base64!\n", id="with a broken line behind"),
        pytest.param(WITNESS.sign(Checkpoint(SIGNER.name, 1234, ROOT).text()), id="signed by another key only"),
        pytest.param(Signer(SIGNER.name, WITNESS.key).checkpoint(1234, ROOT), id="signed in our name by another key"),
        pytest.param(SIGNER.sign(Checkpoint("other.test/log", 1234, ROOT).text()), id="of another log"),
        pytest.param(SIGNER.sign("gatehouse.test/audit\n-1\n" + "A" * 43 + "=\n"), id="of a negative size"),
        pytest.param(SIGNER.sign("gatehouse.test/audit\n1\nAAAA\n"), id="with a short root"),
        pytest.param(SIGNER.sign("gatehouse.test/audit\n1\n"), id="without a root"),
    ],
)
def test_a_note_that_is_not_our_checkpoint_is_refused(note: str) -> None:
    with pytest.raises(NoteRefusedError):
        SIGNER.verifier.checkpoint(note)


def test_extension_lines_are_signed_but_not_read() -> None:
    text = Checkpoint(SIGNER.name, 7, ROOT).text() + "something a later version says\n"

    assert SIGNER.verifier.checkpoint(SIGNER.sign(text)) == parse_checkpoint(text) == Checkpoint(SIGNER.name, 7, ROOT)


@pytest.mark.parametrize("name", ["", "two words", "a+b"])
def test_a_name_that_would_break_the_format_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="can't name a key"):
        Verifier(name, SIGNER.verifier.key)
