"""The files of a service in the bucket, for those who hand them out and those who throw them away."""

from datetime import timedelta
from http import HTTPStatus
from urllib.parse import quote, urlencode

from services.exports.formats import Format
from services.exports.settings import ExportSettings
from services.wire.objects import S3, ObjectStore

LINK_LIFETIME = timedelta(minutes=5)
PATIENCE_SECONDS, CONNECT_SECONDS = 60.0, 10.0


def store_of(settings: ExportSettings) -> ObjectStore:
    return ObjectStore(settings, settings.export_bucket, PATIENCE_SECONDS, CONNECT_SECONDS)


def key_of(service: str, export_id: object, file_format: Format) -> str:
    return f"{service}/{export_id}.{file_format}"


def link(store: ObjectStore, key: str) -> str:
    """Whoever has it may download the file for five minutes. Asks nobody."""
    name = quote(key.replace("/", "-"))
    seconds = int(LINK_LIFETIME.total_seconds())
    return store.link(f"/{key}", seconds, content_disposition=f'attachment; filename="{name}"')


def remove(store: ObjectStore, key: str) -> None:
    """Gone afterwards, whether it was there or not. Raises StoreError."""
    store.call("DELETE", f"/{key}", fine=[HTTPStatus.NOT_FOUND])


def give_up(store: ObjectStore, key: str) -> None:
    """Uploads of this file that nobody completed are forgotten, and their parts with them. Raises StoreError."""
    page = store.call("GET", "?" + urlencode({"prefix": key, "uploads": ""})).document()
    for upload in page.iter(f"{S3}Upload"):
        if upload.findtext(f"{S3}Key") == key:
            query = urlencode({"uploadId": upload.findtext(f"{S3}UploadId") or ""})
            store.call("DELETE", f"/{key}?{query}", fine=[HTTPStatus.NOT_FOUND])
