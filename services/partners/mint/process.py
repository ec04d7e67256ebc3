"""The PKCS#11 token in a process of its own, so that a module that hangs or crashes takes nothing else with it.

PyKCS11 holds the interpreter's lock while it is in the module: inside the service, no deadline could be kept. Here a
call that is late ends the process, and the next call starts another. The PIN travels through the socket between the
two, never on a command line or in an environment. The process ends when the socket does, however the service ended.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from services.partners.mint.pkcs11 import Access, Pkcs11Token
from services.partners.mint.token import (
    KeyRefused,
    PinRefused,
    SignFailed,
    Token,
    TokenError,
    TokenUnavailable,
    from_jwk,
    to_jwk,
)

DEADLINE_SECONDS = 5.0
PATIENCE_SECONDS = 1.0
ERRORS = {error.__name__: error for error in (TokenUnavailable, KeyRefused, PinRefused, SignFailed)}


class Child(NamedTuple):
    process: subprocess.Popen[bytes]
    wire: "Connection[Any, Any]"


class Pkcs11Process(Token):
    """`Pkcs11Token` behind a socket; each call is answered within `deadline` seconds or is TokenUnavailable.

    `conf` is for SoftHSM alone: what SOFTHSM2_CONF says to the module.
    """

    kind = "pkcs11"

    def __init__(self, access: Access, conf: Path | None = None, deadline: float = DEADLINE_SECONDS) -> None:
        self._access, self._deadline = access, deadline
        self._environment = {"SOFTHSM2_CONF": str(conf)} if conf else {}
        self._child: Child | None = None
        self._pin_refused = ""

    def public_key(self) -> EllipticCurvePublicKey:
        return from_jwk(json.loads(self._ask("public_key")))

    def sign(self, message: bytes) -> bytes:
        return self._ask("sign", message)

    def check(self) -> None:
        self._ask("check")

    def close(self) -> None:
        """The process ends with its socket, unless the module hangs; then it is killed."""
        child, self._child = self._child, None
        if child is None:
            return
        child.wire.close()
        try:
            child.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()

    def _ask(self, what: str, body: bytes = b"") -> bytes:
        if self._pin_refused:
            raise PinRefused(self._pin_refused)
        answer, _, rest = self._exchange(what.encode() + b"\n" + body).partition(b"\n")
        if answer == b"ok":
            return rest
        error = ERRORS[answer.decode()](rest.decode())
        if isinstance(error, PinRefused):
            self._pin_refused = str(error)
            self.close()
        raise error

    def _exchange(self, frame: bytes) -> bytes:
        try:
            child = self._running()
            child.wire.send_bytes(frame)
            if child.wire.poll(self._deadline):
                return child.wire.recv_bytes()
            child.process.kill()
        except (OSError, EOFError) as error:
            self.close()
            raise TokenUnavailable("the token's process has ended") from error
        self.close()
        raise TokenUnavailable(f"no answer from the token within {self._deadline:g} s")

    def _running(self) -> Child:
        if self._child and self._child.process.poll() is not None:
            self.close()
        if self._child is None:
            self._child = self._start()
            self._child.wire.send_bytes(json.dumps(asdict(self._access)).encode())
        return self._child

    def _start(self) -> Child:
        ours, theirs = Pipe()
        with theirs:
            command = [sys.executable, "-m", __spec__.name, str(theirs.fileno())]
            environment, quiet = os.environ | self._environment, subprocess.DEVNULL  # modules print; our log is JSON
            process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], env=environment, stdin=quiet, stdout=quiet, stderr=quiet
            )
        return Child(process, ours)


def serve(wire: "Connection[Any, Any]") -> None:
    """Answer until the other side is gone. Signals to the whole group are for the service, which then closes us."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    with suppress(EOFError, OSError):
        token = Pkcs11Token(Access(**json.loads(wire.recv_bytes())))
        while True:
            what, _, body = wire.recv_bytes().partition(b"\n")
            wire.send_bytes(_answer(token, what.decode(), body))


def _answer(token: Token, what: str, body: bytes) -> bytes:
    try:
        match what:
            case "sign":
                result = token.sign(body)
            case "public_key":
                result = json.dumps(to_jwk(token.public_key())).encode()
            case _:
                token.check()
                result = b""
    except TokenError as error:
        return f"{type(error).__name__}\n{error}".encode()
    except Exception as error:
        return f"{TokenUnavailable.__name__}\n{type(error).__name__}: {error}".encode()
    return b"ok\n" + result


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
