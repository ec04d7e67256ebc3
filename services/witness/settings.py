"""Settings of the witness: its own key, whose log it watches, and where it remembers."""

from pathlib import Path

from pydantic import SecretStr

from services.audit.cosignature import Cosigner
from services.audit.note import Verifier
from services.wire.actor import private_key
from services.wire.settings import ProcessSettings


class WitnessSettings(ProcessSettings):
    """`witness_signing_key` is a raw Ed25519 seed, base64url unpadded; `witness_log_key` the log's verifier key."""

    witness_name: str
    witness_signing_key: SecretStr
    witness_log_key: str
    witness_directory: Path

    @property
    def cosigner(self) -> Cosigner:
        return Cosigner(self.witness_name, private_key(self.witness_signing_key.get_secret_value()))

    @property
    def log(self) -> Verifier:
        return Verifier.of(self.witness_log_key)
