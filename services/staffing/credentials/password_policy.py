"""Which passwords are refused, by NIST SP 800-63B §3.1.1.2: what is too short, what guessers try first, and what is
about this person or this service. There are no rules of composition: a long phrase of plain words is a good password.

The list is the 30,000 most frequent passwords of the package zxcvbn, as roots: case, accents, digits put around a word
and letters written as digits make no other password.
"""

import runpy
import string
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from importlib.util import find_spec
from pathlib import Path

LENGTH = range(10, 257)
RUN = 3
FEW = 3
AROUND = 8
PHONE_DIGITS = 7

SERVICE_WORDS = frozenset({"gatehouse", "gatehousestaff", "staffgatehouse", "mygatehouse"})
SHORTEST_ROOT = 4
_AROUND = string.digits + string.punctuation + string.whitespace
_LEET = str.maketrans("013457@$!|", "oieastasil")
_WALKS = (
    string.ascii_lowercase,
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "azertyuiop",
    "qwertzuiop",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "!@#$%^&*()",
)


class Weakness(StrEnum):
    """Why a password is refused; stands in `reasons` of PASSWORD_POLICY."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    COMMON = "common"
    REPETITIVE = "repetitive"
    SEQUENCE = "sequence"
    PHONE_NUMBER = "phone_number"
    SERVICE_NAME = "service_name"


def normalised(password: str) -> str:
    """The same characters typed on another keyboard are the same password (NIST SP 800-63B §3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def weaknesses(password: str, phone: str | None = None) -> tuple[Weakness, ...]:
    """Everything that is wrong with a password; nothing when it may be used."""
    return tuple(_found(normalised(password), phone))


def roots(password: str) -> set[str]:
    """The words that a password is made from when digits and signs around it and in place of letters are undone."""
    plain = _plain(password)
    bare = (plain, plain.rstrip(_AROUND), plain.strip(_AROUND))
    written = (text.translate(_LEET) for text in bare if len(plain) - len(text) <= AROUND)
    return {"".join(c for c in text if c.isalnum()) for text in written} - {""}


def _found(password: str, phone: str | None) -> Iterator[Weakness]:
    if len(password) < LENGTH.start:
        yield Weakness.TOO_SHORT
    if len(password) >= LENGTH.stop:
        yield Weakness.TOO_LONG
        return
    plain, words = _plain(password), roots(password)
    if _repeats(plain):
        yield Weakness.REPETITIVE
    if len(_without_runs(plain)) <= FEW:
        yield Weakness.SEQUENCE
    if words & SERVICE_WORDS:
        yield Weakness.SERVICE_NAME
    elif any(_once(word) in common_passwords() for word in words):
        yield Weakness.COMMON
    if phone and phone[-PHONE_DIGITS:] in "".join(c for c in plain if c.isdigit()):
        yield Weakness.PHONE_NUMBER


def _plain(password: str) -> str:
    """Without case and accents."""
    apart = unicodedata.normalize("NFKD", password.casefold())
    return "".join(c for c in apart if not unicodedata.combining(c))


def _repeats(text: str) -> bool:
    """One short piece again and again, or hardly any different characters."""
    return len(set(text)) <= FEW or len(_once(text)) * 2 <= min(len(text), LENGTH.start)


def _once(text: str) -> str:
    """The shortest piece that gives the text when it is repeated."""
    for size in range(1, len(text) // 2 + 1):
        if text[:size] * (len(text) // size) + text[: len(text) % size] == text:
            return text[:size]
    return text


def _without_runs(text: str) -> str:
    """What is left when walks over alphabet, digits and keyboard, and repeats of one character, are taken out."""
    left, start = "", 0
    while start < len(text):
        length = _run(text, start)
        if length < RUN:
            left += text[start]
            length = 1
        start += length
    return left


def _run(text: str, start: int) -> int:
    """How far a walk goes on from here."""
    longest = len(text) - start - len(text[start:].lstrip(text[start]))
    for walk in _WALKS:
        for way in (walk, walk[::-1]):
            length = longest + 1
            while start + length <= len(text) and text[start : start + length] in way:
                longest, length = length, length + 1
    return longest


@cache
def common_passwords() -> frozenset[str]:
    found = {root for password in _frequent() for root in roots(password)}
    return frozenset(root for root in found if len(root) >= SHORTEST_ROOT)


def _frequent() -> list[str]:
    """The package's list alone: its estimator, which importing it brings along, would cost 14 MB for ever."""
    package = find_spec("zxcvbn")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("zxcvbn")
    file = Path(package.submodule_search_locations[0]) / "frequency_lists.py"
    frequent: list[str] = runpy.run_path(str(file))["FREQUENCY_LISTS"]["passwords"]
    return frequent
