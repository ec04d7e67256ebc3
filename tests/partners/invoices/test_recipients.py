"""Who may be paid: addresses with their checksum, and the list of approved ones that changes while we run."""

import os
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.partners.invoices.recipient import ZERO, Recipients, checksummed, is_address

# The test cases of EIP-55 itself.
EIP_55 = (
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
)
MIXED = EIP_55[4:]
addresses = st.binary(min_size=20, max_size=20).filter(any).map(lambda raw: f"0x{raw.hex()}")


@pytest.mark.parametrize("address", EIP_55)
def test_the_published_vectors_are_spelled_as_published(address: str) -> None:
    assert checksummed(address.lower()) == address
    assert is_address(address)


@pytest.mark.parametrize("address", MIXED)
def test_one_letter_in_the_wrong_case_is_noticed(address: str) -> None:
    letters = [n for n, c in enumerate(address) if n > 1 and c.isalpha()]

    bent = [address[:n] + address[n].swapcase() + address[n + 1 :] for n in letters]

    assert not any(is_address(each) for each in bent)


@given(addresses)
def test_one_case_needs_no_checksum(address: str) -> None:
    assert is_address(address)
    assert is_address("0x" + address[2:].upper())
    assert is_address(checksummed(address))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("0x", id="no digits"),
        pytest.param(EIP_55[0][:-1], id="39 digits"),
        pytest.param(EIP_55[0] + "0", id="41 digits"),
        pytest.param(EIP_55[0][2:], id="no prefix"),
        pytest.param("0X" + EIP_55[0][2:], id="another prefix"),
        pytest.param(EIP_55[0] + "\n", id="a line break behind"),
        pytest.param("0x" + "g" * 40, id="no hex digits"),
        pytest.param("0x" + "٣" * 40, id="digits that are not ASCII"),
        pytest.param(ZERO, id="the zero address"),
        pytest.param("vitalik.eth", id="a name"),
        pytest.param("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", id="another chain"),
    ],
)
def test_anything_else_is_no_address(text: str) -> None:
    assert not is_address(text)


def write(file: Path, text: str) -> None:
    """Another text is another moment: a file is judged by time and size."""
    moment = file.stat().st_mtime_ns + 1 if file.exists() else None
    file.write_text(text)
    if moment:
        os.utime(file, ns=(moment, moment))


def test_without_a_file_every_address_may_be_proposed() -> None:
    assert Recipients().approves(uuid4(), MIXED[0])


def test_a_listed_address_is_approved_for_everybody_or_for_one_partner(tmp_path: Path) -> None:
    mine, other, file = uuid4(), uuid4(), tmp_path / "recipients"
    write(file, f"# approved by the board\n{MIXED[0]}\n\n{mine} {MIXED[1].lower()}  # only theirs\n")

    recipients = Recipients(file)

    assert recipients.approves(other, MIXED[0].lower()), "the same bytes in any spelling"
    assert recipients.approves(mine, MIXED[1])
    assert not recipients.approves(other, MIXED[1])
    assert not recipients.approves(mine, MIXED[2])


def test_a_change_of_the_file_binds_on_the_next_look(tmp_path: Path) -> None:
    file = tmp_path / "recipients"
    write(file, f"{MIXED[0]}\n")
    recipients = Recipients(file)

    write(file, f"{MIXED[1]}\n")
    recipients.refresh()
    swapped = [recipients.approves(uuid4(), address) for address in MIXED[:2]]
    file.unlink()
    recipients.refresh()

    assert swapped == [False, True]
    assert not recipients.approves(uuid4(), MIXED[1]), "a list that is gone approves nobody"


@pytest.mark.parametrize("line", ["nonsense", "no-uuid " + MIXED[0], f"{uuid4()} {uuid4()} {MIXED[0]}", MIXED[0][:-1]])
def test_a_line_that_cannot_be_read_approves_nobody_and_spoils_no_other(tmp_path: Path, line: str) -> None:
    file = tmp_path / "recipients"
    write(file, f"{line}\n{MIXED[3]}\n")

    recipients = Recipients(file)

    assert not recipients.approves(uuid4(), MIXED[0])
    assert recipients.approves(uuid4(), MIXED[3])
