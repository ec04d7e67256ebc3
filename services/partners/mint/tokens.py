"""From settings to the token they name."""

from pathlib import Path

from services.partners.mint.pkcs11 import Access
from services.partners.mint.process import DEADLINE_SECONDS, Pkcs11Process
from services.partners.mint.software import SoftwareToken
from services.partners.mint.token import Token


def build_token(  # noqa: PLR0913 - the settings, one by one
    kind: str,
    module: str = "",
    token: str = "",
    key: str = "",
    pin: str = "",
    *,
    key_file: Path | str | None = None,
    conf: Path | str | None = None,
    deadline: float = DEADLINE_SECONDS,
) -> Token:
    """The token of this kind, not opened yet; ValueError when a setting is missing. `conf` is SOFTHSM2_CONF."""
    match kind:
        case "pkcs11":
            _require(kind, module=module, token=token, key=key, pin=pin)
            return Pkcs11Process(Access(module, token, key, pin), Path(conf) if conf else None, deadline)
        case "software":
            _require(kind, key_file=key_file)
            return SoftwareToken(Path(key_file or ""))
        case _:
            raise ValueError(f"GATEHOUSE_HSM_KIND is pkcs11 or software, not {kind!r}")


def _require(kind: str, **settings: object) -> None:
    missing = [f"GATEHOUSE_HSM_{name.upper()}" for name, value in settings.items() if not value]
    if missing:
        raise ValueError(f"a {kind} token needs {', '.join(missing)}")
