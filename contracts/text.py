"""Text as people type it: normalised, visible, free of control characters."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_LINE_BREAKS = "\n\r\t"


def _visible(value: str) -> str:
    """NFC, no control or format characters, at least one visible character."""
    text = unicodedata.normalize("NFC", value).strip()
    if not text:
        raise ValueError("must have a visible character")
    if not text.isprintable() and any(unicodedata.category(c) in _INVISIBLE for c in text):
        raise ValueError("must not have control or invisible characters")
    return text


def _prose(value: str) -> str:
    """Like visible text, but with line breaks, and it may be empty: what is missing has its own code."""
    text = unicodedata.normalize("NFC", value).strip()
    if not text.isprintable() and any(unicodedata.category(c) in _INVISIBLE and c not in _LINE_BREAKS for c in text):
        raise ValueError("must not have control or invisible characters")
    return text


def _opaque(value: str) -> str:
    """Compared byte for byte, so never normalised; only what cannot be stored is refused."""
    if not value.isprintable() and any(unicodedata.category(c) in {"Cc", "Cs"} for c in value):
        raise ValueError("must not have control characters")
    return value


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_visible)]
Prose = Annotated[str, AfterValidator(_prose)]
Opaque = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_opaque)]
