"""What a home directory remembers: its ports and its secrets. Everything else is derived from them."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote

from deploy.local import keys, ports
from deploy.local.home import Home, write_private
from deploy.local.ports import LOOPBACK

DATABASE = "gatehouse"
DOCUMENTS = "gatehouse-documents"
CHECKPOINTS = "gatehouse-checkpoints"
EXPORTS = "gatehouse-exports"


@dataclass(frozen=True, slots=True)
class State:
    """The ports and secrets of one stack, and the addresses built from them."""

    ports: dict[str, int]
    secrets: dict[str, str]

    @classmethod
    def load(cls, home: Home) -> "State":
        """The remembered state; an empty one for a new home."""
        path = home.etc / "state.json"
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return cls(known.get("ports", {}), known.get("secrets", {}))

    def completed(self, taken: Collection[int] = ()) -> "State":
        """Ports that are free now and not `taken`, a secret for every name. Only while nothing of this home runs."""
        return State(ports.choose(self.ports, taken), keys.complete(self.secrets))

    def save(self, home: Home) -> None:
        text = json.dumps({"ports": self.ports, "secrets": self.secrets}, indent=1)
        write_private(home.etc / "state.json", text)

    def url(self, part: str) -> str:
        return f"http://{LOOPBACK}:{self.ports[part]}"

    def address(self, part: str) -> str:
        return f"{LOOPBACK}:{self.ports[part]}"

    def dsn(self, role: str, *, driver: str = "postgresql", database: str = DATABASE) -> str:
        """The administrator is `postgres` with the secret `postgres_admin`; services log in under their own name."""
        secret = self.secrets["postgres_admin" if role == "postgres" else f"postgres_{role}"]
        return f"{driver}://{role}:{quote(secret)}@{self.address('postgres')}/{database}"

    @property
    def admin_dsn(self) -> str:
        return self.dsn("postgres")

    def kafka(self, principal: str) -> dict[str, str]:
        """What a client needs to reach the broker as this principal."""
        return {
            "bootstrap": self.address("kafka"),
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-512",
            "username": principal,
            "password": self.secrets[f"kafka_{principal}"],
        }
