"""A module that hangs or dies takes nothing with it, and what runs it ends with whoever started it."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import PyKCS11
import pytest

from services.partners.mint import process
from services.partners.mint.keeper import TokenKeeper
from services.partners.mint.pkcs11 import Access
from services.partners.mint.process import Pkcs11Process
from services.partners.mint.token import Token, TokenUnavailable, verify
from tests.partners.mint.benches import PIN, VOUCHER, Vault
from tests.support import eventually, eventually_true
from tests.support.process import REPOSITORY

DEADLINE = 1.0
SERVICE = """
import sys
from services.partners.mint.tokens import build_token
module, token, key, pin, conf = sys.stdin.readline().rstrip("\\n").split("|")
token = build_token("pkcs11", module, token, key, pin, conf=conf)
token.sign(b"voucher")
print("signed", flush=True)
sys.stdin.read()
"""
"""A service that has signed once and goes on running."""


@pytest.fixture
def token(vault: Vault) -> Iterator[Pkcs11Process]:
    token = Pkcs11Process(vault.access, vault.conf)
    yield token
    token.close()


def child_of(pid: int) -> psutil.Process:
    [child] = [child for child in psutil.Process(pid).children() if "mint.process" in " ".join(child.cmdline())]
    return child


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def service(vault: Vault) -> Iterator["subprocess.Popen[str]"]:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", SERVICE]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin
        assert process.stdout
        access = vault.access
        print(access.module, access.token, access.key, access.pin, vault.conf, sep="|", file=process.stdin, flush=True)
        assert process.stdout.readline() == "signed\n"
        yield process
        process.kill()


async def test_a_module_that_hangs_holds_up_neither_its_caller_nor_anybody_else(vault: Vault) -> None:
    keeper = TokenKeeper(lambda: Pkcs11Process(vault.access, vault.conf, DEADLINE))
    await eventually(lambda: signed(keeper), "the process has started, busy as this machine may be")
    key = await keeper.public_key()
    child, beats = child_of(os.getpid()), 0
    child.suspend()

    signing = asyncio.create_task(keeper.sign(VOUCHER))
    while not signing.done():
        beats += 1
        await asyncio.sleep(0.01)

    with pytest.raises(TokenUnavailable):
        await signing
    assert beats > 10
    signature = await eventually(lambda: signed(keeper), "the token is back")
    assert verify(key, VOUCHER, signature)
    assert is_gone(child)
    await keeper.close()


def is_fine(token: Token) -> bool:
    try:
        token.check()
    except TokenUnavailable as error:
        raise AssertionError(error) from error
    return True


async def signed(keeper: TokenKeeper) -> bytes:
    try:
        return await keeper.sign(VOUCHER)
    except TokenUnavailable as error:
        raise AssertionError(error) from error


def test_a_module_that_hangs_is_given_up_within_the_deadline(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PATIENCE_SECONDS", 60.0)  # what is late is not asked politely
    token = Pkcs11Process(vault.access, vault.conf, DEADLINE)
    eventually_true(lambda: is_fine(token), "the process has started, busy as this machine may be")
    child_of(os.getpid()).suspend()

    began = time.monotonic()
    with pytest.raises(TokenUnavailable, match="within 1 s"):
        token.sign(VOUCHER)

    assert time.monotonic() - began < 4 * DEADLINE
    eventually_true(lambda: is_fine(token), "another process")
    token.close()


def test_inside_this_process_a_long_call_would_stop_every_other_thread(vault: Vault) -> None:
    """The control, and the reason for the process. Once it fails, PyKCS11 lets go of the interpreter's lock."""
    beats, over = [time.monotonic()], threading.Event()

    def beat() -> None:
        while not over.wait(0.005):
            beats.append(time.monotonic())

    heart = threading.Thread(target=beat)
    heart.start()
    with vault.session() as session:
        busy = make_rsa_key(session)
    over.set()
    heart.join()

    beats.append(time.monotonic())
    assert max(after - before for before, after in pairwise(beats)) >= busy


def make_rsa_key(session: Any) -> float:
    """The processor time of a call that took a tenth of a second; primes are found sooner or later."""
    private = [(PyKCS11.CKA_TOKEN, PyKCS11.CK_FALSE)]
    public = [*private, (PyKCS11.CKA_MODULUS_BITS, 3072), (PyKCS11.CKA_PUBLIC_EXPONENT, (1, 0, 1))]
    while True:
        began = time.thread_time()
        session.generateKeyPair(public, private)
        if (busy := time.thread_time() - began) > 0.1:
            return busy


def test_a_process_killed_between_two_signatures_is_not_even_noticed(token: Pkcs11Process) -> None:
    token.sign(VOUCHER)
    child = child_of(os.getpid())

    child.kill()
    eventually_true(lambda: is_gone(child))

    assert verify(token.public_key(), VOUCHER, token.sign(VOUCHER))


def test_a_process_killed_in_the_middle_of_a_call_is_replaced_by_the_next(token: Pkcs11Process) -> None:
    token.check()
    child = child_of(os.getpid())
    child.suspend()
    threading.Timer(0.1, child.kill).start()

    with pytest.raises(TokenUnavailable, match="has ended"):
        token.sign(VOUCHER)

    assert verify(token.public_key(), VOUCHER, token.sign(VOUCHER))


def test_closing_leaves_no_process(token: Pkcs11Process) -> None:
    token.check()
    child = child_of(os.getpid())

    token.close()

    assert is_gone(child)


def test_closing_a_token_that_hangs_leaves_no_process_either(token: Pkcs11Process) -> None:
    token.check()
    child = child_of(os.getpid())
    child.suspend()

    token.close()

    assert is_gone(child)


def test_the_process_ends_with_a_service_that_is_killed(service: "subprocess.Popen[str]") -> None:
    child = child_of(service.pid)

    service.kill()

    eventually_true(lambda: is_gone(child), "the token's process has ended")


def test_a_signal_to_the_whole_group_leaves_the_last_call_to_the_service(token: Pkcs11Process) -> None:
    token.check()
    child = child_of(os.getpid())

    for number in (signal.SIGTERM, signal.SIGINT):
        child.send_signal(number)

    assert verify(token.public_key(), VOUCHER, token.sign(VOUCHER))
    assert child_of(os.getpid()) == child


def test_neither_command_line_nor_environment_tell_the_pin(token: Pkcs11Process) -> None:
    token.check()
    child = child_of(os.getpid())

    assert PIN not in " ".join(child.cmdline())
    assert PIN not in str(child.environ())


def test_what_a_module_prints_does_not_get_into_the_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    token = Pkcs11Process(Access(str(tmp_path / "nowhere.so"), "gatehouse", "voucher", PIN))

    with pytest.raises(TokenUnavailable):
        token.check()

    token.close()
    assert capfd.readouterr() == ("", "")


def test_the_token_directory_is_told_to_the_process_alone(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOFTHSM2_CONF")
    token = Pkcs11Process(vault.access, vault.conf)

    token.check()

    assert child_of(os.getpid()).environ()["SOFTHSM2_CONF"] == str(vault.conf)
    assert "SOFTHSM2_CONF" not in os.environ
    token.close()
