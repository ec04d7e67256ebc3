"""What a service that exports is told, beside what every owner of a database is."""

from pydantic import Field

from services.wire.settings import OwnerSettings, StoreSettings


class ExportSettings(OwnerSettings, StoreSettings):
    """`service_signing_key` signs the manifests too, under the name `<export_origin>/exports/<service>`."""

    export_bucket: str
    export_origin: str = Field(default="gatehouse", pattern=r"^[^\s+]+$")
