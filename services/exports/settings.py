"""What a service that exports is told, beside what every owner of a database is."""

from pydantic import Field, SecretStr

from services.wire.settings import OwnerSettings


class ExportSettings(OwnerSettings):
    """`service_signing_key` signs the manifests too, under the name `<export_origin>/exports/<service>`."""

    s3_endpoint: str
    s3_region: str = "us-east-1"
    s3_access_key: str
    s3_secret_key: SecretStr
    export_bucket: str
    export_origin: str = Field(default="gatehouse", pattern=r"^[^\s+]+$")
