"""Kinds of poison: each bends a good command into a record that can never be handled as it is."""

from collections.abc import Callable
from dataclasses import replace

from contracts.message import Header
from contracts.partners import COMMANDS, ReserveUpload
from deploy.local.stack import Stack
from tests.support import RawRecord, command_record, partner_admin, signed_record
from tests.support.applicants import reservation

Poison = Callable[[Stack], RawRecord]


def good(stack: Stack) -> RawRecord:
    """A command that is answered 201."""
    actor = partner_admin(stack)
    return command_record(stack, reservation("kyb", actor.subject), actor)


def _signed(body: bytes, name: str = ReserveUpload.type, version: int = 1, key: str = "") -> Poison:
    """Properly signed, so that nothing but the body, name or key is wrong with it."""
    return lambda stack: signed_record(
        stack, body, partner_admin(stack), topic=COMMANDS, name=name, version=version, key=key
    )


def _with_header(name: str, value: bytes | None) -> Poison:
    return lambda stack: good(stack).with_header(name, value)


def _without_header(name: str) -> Poison:
    return lambda stack: good(stack).without_header(name)


class _NotUtf8(str):
    """A header name whose bytes are not UTF-8; the client library of the tests encodes what it is given."""

    __slots__ = ()

    def encode(self, *_: object, **__: object) -> bytes:
        return b"\xff\xfe"


_FITS_NOT = b'{"kind":"kyb","content_type":"text/html","size":-1,"sha256":"none"}'
_STAFF = b'{"name":"Nordhafen","region":"CH"}'

POISONS: dict[str, Poison] = {
    "a header that is not UTF-8": _with_header("x-note", b"\xff\xfe\xfa"),
    "an assertion without a value": _with_header(Header.ASSERTION, None),
    "a replay header without a value": lambda stack: _without_header(Header.ASSERTION)(stack).with_header(
        "ce_deadletterid", None
    ),
    "a replay with an assertion without a value": lambda stack: _with_header(Header.ASSERTION, None)(stack).with_header(
        "ce_deadletterid", b"1"
    ),
    "a trace with a zero byte": lambda stack: _with_header(Header.TRACEPARENT, b"00-\x00")(stack).without_header(
        Header.ASSERTION
    ),
    "a header name with a zero byte": _with_header("x\0note", b"\xff"),
    "no headers at all": lambda stack: replace(good(stack), headers=()),
    "a body that is not JSON": _signed(b'{"kind": "kyb"'),
    "a body that is not UTF-8": _signed(b'{"kind": "\xff\xfe"}'),
    "a body nested 100,000 deep": _signed(b"[" * 100_000),
    "an empty body": lambda stack: replace(good(stack), value=b""),
    "a null body": lambda stack: replace(good(stack), key=b"", value=None),
    "a body of 5 MB": _signed(b'{"kind":"' + b"k" * 5_000_000 + b'"}'),
    "a body that does not fit the model": _signed(_FITS_NOT),
    "an unknown type": _signed(_STAFF, name="partner.befriend"),
    "an unknown version": _signed(_FITS_NOT, version=7),
    "a version that is no number": _with_header(Header.VERSION, b"one"),
    "a message of another topic": _signed(_STAFF, name="tenant.create"),
    "a key that was not signed": lambda stack: replace(good(stack), key=b"another-partner"),
    "a signed key that is not the command's": lambda stack: _signed(good(stack).value or b"", key="elsewhere")(stack),
    "a key that is not UTF-8": lambda stack: replace(good(stack), key=b"\xff\xfe"),
    "no assertion": _without_header(Header.ASSERTION),
    "an assertion that is no token": _with_header(Header.ASSERTION, b"a.b.c"),
    "no message id": _without_header(Header.ID),
    "a message id that is no UUID": _with_header(Header.ID, b"42"),
    "a replay of a letter that cannot be": lambda stack: _without_header(Header.ASSERTION)(stack).with_header(
        "ce_deadletterid", b"9" * 40
    ),
    "a replay of a letter that is not there": lambda stack: _without_header(Header.ASSERTION)(stack).with_header(
        "ce_deadletterid", b"999999999999"
    ),
}


def with_a_header_name_that_is_not_utf8(stack: Stack) -> RawRecord:
    """Needs a producer that does not mind; see `tests.support.wire.careless`."""
    return good(stack).with_header(_NotUtf8("x-note"), b"-")
