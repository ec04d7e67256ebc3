"""S3 by SeaweedFS, every port of it locked.

Invariant: an anonymous request to any of its ports reads and writes nothing. S3 asks for a signature; the volume's HTTP
port for a JWT, for reads too; HTTP of master and filer is switched off (the master answered an anonymous
/dir/assign); every gRPC port asks for a client certificate. What is left: status pages that name the engine.
"""

import shutil
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deploy.local import certificates
from deploy.local.errors import StackError
from deploy.local.home import Home, write_private
from deploy.local.part import Part
from deploy.local.ports import LOOPBACK, PAIR_DISTANCE, is_open
from deploy.local.state import CHECKPOINTS, DOCUMENTS, EXPORTS, State

COMPONENTS = ("master", "volume", "filer", "s3", "client", "admin", "worker", "msg_broker")


def part(home: Home, state: State) -> Part:
    """All of SeaweedFS in one process; the root credentials come by its environment."""
    credentials = {
        "AWS_ACCESS_KEY_ID": state.secrets["s3_access_key"],
        "AWS_SECRET_ACCESS_KEY": state.secrets["s3_secret_key"],
    }
    command = (_binary(), "mini", *(f"-{name}={value}" for name, value in _flags(home, state.ports).items()))
    return Part("seaweedfs", command, home.data("seaweedfs"), credentials, stop_seconds=10)


def prepare(home: Home, state: State) -> None:
    """SeaweedFS reads `security.toml` from the directory it runs in."""
    directory = home.data("seaweedfs")
    (directory / "store").mkdir(parents=True, exist_ok=True)
    certificates.ensure(directory / "certificates")
    write_private(directory / "security.toml", _security(directory / "certificates", state.secrets))


def is_ready(state: State) -> bool:
    """True once S3 lists buckets: its port is open before the filer behind it answers."""
    if not is_open(state.ports["s3"]):
        return False
    try:
        client(state).list_buckets()
    except (BotoCoreError, ClientError):
        return False
    return True


def client(state: State) -> Any:
    """An S3 client with the stack's own key."""
    return _client(state.url("s3"), state.secrets["s3_access_key"], state.secrets["s3_secret_key"])


@lru_cache
def _client(url: str, access_key: str, secret_key: str) -> Any:
    """Botocore builds its class at run time, which takes longer than most calls; any thread may use it."""
    return boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name="us-east-1",
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 2},
            connect_timeout=2,
            proxies={},
        ),
    )


def create_buckets(state: State) -> None:
    """Documents keep every version; checkpoints can be locked against deletion; exports go. Each only if missing."""
    s3 = client(state)
    _unless_owned(lambda: s3.create_bucket(Bucket=DOCUMENTS))
    s3.put_bucket_versioning(Bucket=DOCUMENTS, VersioningConfiguration={"Status": "Enabled"})
    _unless_owned(lambda: s3.create_bucket(Bucket=CHECKPOINTS, ObjectLockEnabledForBucket=True))
    _unless_owned(lambda: s3.create_bucket(Bucket=EXPORTS))


def _unless_owned(create: Callable[[], object]) -> None:
    try:
        create()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "BucketAlreadyOwnedByYou":
            raise


def _binary() -> str:
    beside_python = Path(sys.executable).parent / "weed"
    found = str(beside_python) if beside_python.exists() else shutil.which("weed")
    if found is None:
        raise StackError("weed is missing: install the packages of requirements.lock (make setup)")
    return found


def _flags(home: Home, ports: dict[str, int]) -> dict[str, str | int]:
    off = dict.fromkeys(("admin.ui", "webdav", "master.telemetry", "s3.iam", "s3.autoCreateBucket"), "false")
    return {
        "dir": str(home.data("seaweedfs") / "store"),
        "ip": LOOPBACK,
        "ip.bind": LOOPBACK,
        "disableHttp": "true",
        **off,
        "s3.allowDeleteBucketNotEmpty": "false",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        **{f"{name}.port": ports[name] for name in ("master", "volume", "filer", "s3")},
        **{f"{name}.port.grpc": ports[f"{name}_grpc"] for name in ("master", "volume", "filer", "s3")},
        "admin.port": ports["weed_admin"],
        "admin.port.grpc": ports["weed_admin"] + PAIR_DISTANCE,
        "filer.localSocket": str(home.run / "filer.sock"),
        "s3.localSocket": str(home.run / "s3.sock"),
    }


def _security(certs: Path, secrets: dict[str, str]) -> str:
    tables = {
        "jwt.signing": {"key": secrets["weed_write"]},
        "jwt.signing.read": {"key": secrets["weed_read"]},
        "jwt.filer_signing": {"key": secrets["weed_filer_write"]},
        "jwt.filer_signing.read": {"key": secrets["weed_filer_read"]},
        "grpc": {"ca": f"{certs}/ca.pem"},
        **{f"grpc.{name}": {"cert": f"{certs}/cert.pem", "key": f"{certs}/key.pem"} for name in COMPONENTS},
    }
    return "".join(
        f"[{table}]\n" + "".join(f'{key} = "{value}"\n' for key, value in entries.items())
        for table, entries in tables.items()
    )
