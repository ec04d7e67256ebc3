"""Which token the settings lead to, and that a key in a file never guards a production system."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.partners.mint.settings import MintSettings
from services.wire.settings import UnsafeSecretsError


def settings(tmp_path: Path, **changed: str) -> MintSettings:
    """As the process would read them."""
    file = tmp_path / "mint.env"
    known = {
        "GATEHOUSE_SERVICE": "partners",
        "GATEHOUSE_HTTP_PORT": "1",
        "GATEHOUSE_KAFKA_BOOTSTRAP": "broker:9092",
        "GATEHOUSE_KAFKA_USERNAME": "partners",
        "GATEHOUSE_KAFKA_PASSWORD": "-",
        "GATEHOUSE_DATABASE_URL": "postgresql://-",
        "GATEHOUSE_ACTOR_PUBLIC_KEY": "-",
        "GATEHOUSE_S3_ENDPOINT": "-",
        "GATEHOUSE_S3_ACCESS_KEY": "-",
        "GATEHOUSE_S3_SECRET_KEY": "-",
        "OTC_S3_BUCKET": "-",
        "GATEHOUSE_EXPORT_BUCKET": "-",
        "GATEHOUSE_OIDC_ISSUER": "-",
        "GATEHOUSE_SWAP_URL": "-",
        "GATEHOUSE_SWAP_TOKEN": "-",
        "GATEHOUSE_HSM_KIND": "software",
        "GATEHOUSE_HSM_KEY_FILE": "key.pem",
    }
    file.write_text("".join(f"{name}={value}\n" for name, value in (known | changed).items()))
    return MintSettings(_env_file=file)  # type: ignore[call-arg]


def test_a_key_in_a_file_is_refused_in_production(tmp_path: Path) -> None:
    with pytest.raises(UnsafeSecretsError):
        settings(tmp_path, GATEHOUSE_ENV="production").token()


def test_a_key_in_a_file_is_fine_in_development(tmp_path: Path) -> None:
    assert settings(tmp_path, GATEHOUSE_ENV="development").token().kind == "software"


def test_a_token_of_its_own_is_fine_in_production(tmp_path: Path) -> None:
    module = {
        "GATEHOUSE_HSM_KIND": "pkcs11",
        "GATEHOUSE_HSM_MODULE": "/usr/lib/hsm.so",
        "GATEHOUSE_HSM_TOKEN": "gatehouse",
        "GATEHOUSE_HSM_KEY": "voucher",
        "GATEHOUSE_HSM_PIN": "1234",
    }

    assert settings(tmp_path, GATEHOUSE_ENV="production", **module).token().kind == "pkcs11"


def test_a_claim_outlives_the_longest_step(tmp_path: Path) -> None:
    assert settings(tmp_path, GATEHOUSE_VOUCHER_LEASE_SECONDS="6").lease == timedelta(seconds=6)

    with pytest.raises(ValidationError, match="voucher_lease_seconds"):
        settings(tmp_path, GATEHOUSE_SWAP_DEADLINE_SECONDS="18")
