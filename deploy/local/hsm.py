"""The key that signs a home's vouchers: in a SoftHSM2 token where the library can be had, else in a private file.

A home keeps the kind its key was made in. A key of the other kind would be another key, and the vouchers signed
before could not be verified any more. `python -m deploy.local.hsm install` fetches the library for new homes.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import deploy
from deploy.local.errors import NoVoucherKey
from deploy.local.home import Home, write_private
from deploy.local.hsm_token import KEY, TOKEN
from deploy.local.softhsm import install, installed
from services.partners.mint.software import new_key
from services.partners.mint.token import Token, TokenError, to_jwk
from services.partners.mint.tokens import build_token

__all__ = ["Settings", "install", "prepare", "public_jwk", "token_of"]

SECONDS = 60

Settings = dict[str, str]


def prepare(home: Home, pin: str) -> Settings:
    """The settings of this home's token. Called at every `up`; only the first call makes a key.

    Raises NoVoucherKey when the key that was made is not there any more, or cannot be used.
    """
    directory = home.data("mint")
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    library = None if _key_file(directory).exists() else _library(directory)
    settings = _softhsm(directory, library, pin) if library else _software(directory)
    _write_public_key(home, token_of(settings))
    return settings


def token_of(settings: Settings) -> Token:
    """The token that a service with these settings would use."""
    module, token, key, pin = (settings.get(f"GATEHOUSE_HSM_{name}", "") for name in ("MODULE", "TOKEN", "KEY", "PIN"))
    file, conf = settings.get("GATEHOUSE_HSM_KEY_FILE"), settings.get("SOFTHSM2_CONF")
    return build_token(settings["GATEHOUSE_HSM_KIND"], module, token, key, pin, key_file=file, conf=conf)


def kind_of(home: Home) -> str | None:
    """Where this home's voucher key lies: `pkcs11` or `software`; None before there is one."""
    directory = home.data("mint")
    return "software" if _key_file(directory).exists() else "pkcs11" if (directory / "tokens").exists() else None


def public_jwk(home: Home) -> dict[str, Any]:
    """The public key that `prepare` wrote down: what vouchers are verified with."""
    jwk: dict[str, Any] = json.loads(_public_file(home).read_text(encoding="utf-8"))
    return jwk


def _library(directory: Path) -> Path | None:
    """A new home takes what is installed; one whose key lies in SoftHSM cannot do without."""
    if not (directory / "tokens").exists():
        return installed()
    library = installed() or install()
    if library is None:
        raise NoVoucherKey(f"the voucher key lies in {directory / 'tokens'}, but SoftHSM2 is not installed")
    return library


def _softhsm(directory: Path, library: Path, pin: str) -> Settings:
    tokens, draft = directory / "tokens", directory / "tokens.new"
    if not tokens.exists():
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        _make(library, pin, _configuration(draft))
        draft.rename(tokens)  # so a token is whole or not there
    return {
        "GATEHOUSE_HSM_KIND": "pkcs11",
        "GATEHOUSE_HSM_MODULE": str(library),
        "GATEHOUSE_HSM_TOKEN": TOKEN,
        "GATEHOUSE_HSM_KEY": KEY,
        "GATEHOUSE_HSM_PIN": pin,
        "SOFTHSM2_CONF": str(_configuration(tokens)),
    }


def _configuration(tokens: Path) -> Path:
    """Written anew each time: a home may have been moved."""
    path = tokens.parent / "softhsm2.conf"
    lines = (f"directories.tokendir = {tokens}", "objectstore.backend = file", "log.level = ERROR")
    write_private(path, "".join(f"{line}\n" for line in lines))
    return path


def _make(library: Path, pin: str, configuration: Path) -> None:
    """In a child, so that neither the library nor its settings get into this process; the PIN goes in by a pipe."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local.hsm_token"],
        input=json.dumps({"module": str(library), "pin": pin}),
        env=os.environ | {"SOFTHSM2_CONF": str(configuration)},
        cwd=Path(deploy.__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    if done.returncode:
        _, _, why = done.stderr.strip().rpartition("\n")
        raise NoVoucherKey(f"no token could be made with {library}: {why}")


def _software(directory: Path) -> Settings:
    file = _key_file(directory)
    if not file.exists():
        write_private(file, new_key())
    sys.stderr.write("vouchers are signed by a software token, not by SoftHSM2: for development only\n")
    return {"GATEHOUSE_HSM_KIND": "software", "GATEHOUSE_HSM_KEY_FILE": str(file)}


def _write_public_key(home: Home, token: Token) -> None:
    try:
        jwk = to_jwk(token.public_key())
    except TokenError as error:
        raise NoVoucherKey(f"the voucher key in {home.data('mint')} cannot be used: {error}") from error
    finally:
        token.close()
    if not _public_file(home).exists():
        write_private(_public_file(home), json.dumps(jwk))
    elif public_jwk(home) != jwk:
        raise NoVoucherKey(f"the voucher key in {home.data('mint')} is not the one of {_public_file(home)}")


def _key_file(directory: Path) -> Path:
    return directory / "voucher_key.pem"


def _public_file(home: Home) -> Path:
    return home.etc / "voucher_key.json"


def main(what: str) -> None:
    """`install`: never fails, always says which token new homes will use."""
    if what != "install":
        raise SystemExit("usage: python -m deploy.local.hsm install")
    if library := install():
        sys.stdout.write(f"vouchers are signed with SoftHSM2: {library}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
