"""What `gatehouse status` tells: every part, and all a developer needs to reach the stack, secrets included."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from contracts.topics import DOWNSTREAM
from deploy.local import environment, hsm, supervision
from deploy.local.part import EVERYTHING
from deploy.local.stack import Stack
from deploy.local.state import DOCUMENTS, State

Status = dict[str, Any]
SCHEMES = {"postgres": "postgresql", "kafka": "kafka"}


def describe(stack: Stack) -> Status:
    """The document of `status --json`; also of a stack that is down, with no pid and nothing ready."""
    state = stack.state
    return {
        "gateway": state.url("gateway"),
        "console": f"{state.url('gateway')}/console",
        "oidc_issuer": state.url("oidc"),
        "kafka": state.kafka(DOWNSTREAM),
        "postgres": state.admin_dsn,
        "s3": _s3(state),
        "root_admin_subjects": environment.root_admins(stack.home),
        "services": _parts(stack, state),
    }


def _s3(state: State) -> dict[str, str]:
    return {
        "endpoint": state.url("s3"),
        "bucket": DOCUMENTS,
        "access_key": state.secrets["s3_access_key"],
        "secret_key": state.secrets["s3_secret_key"],
    }


def _parts(stack: Stack, state: State) -> list[Status]:
    """Services first: they are what one asks for. A part counts as ready only while its process runs."""
    known = supervision.info(stack.home) if stack.is_running else {}
    pids = {name: known.get(name, {}).get("pid") or None for name in reversed(EVERYTHING)}
    with ThreadPoolExecutor(len(EVERYTHING)) as pool:
        ready = dict(zip(pids, pool.map(stack.is_ready, pids), strict=True))
    parts = [
        {"name": name, "pid": pid, "url": _url(name, state), "ready": pid is not None and ready[name]}
        for name, pid in pids.items()
    ]
    return [part | ({"token": hsm.kind_of(stack.home)} if part["name"] == "mint" else {}) for part in parts]


def _url(part: str, state: State) -> str:
    port = "s3" if part == "seaweedfs" else part
    return f"{SCHEMES.get(part, 'http')}://{state.address(port)}"
