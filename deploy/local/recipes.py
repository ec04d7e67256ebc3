"""How each part is brought up: what to prepare, how to see that it is ready, what to do once it is."""

import asyncio
import http.client
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus

from contracts.topics import PRINCIPALS
from deploy import kafka, postgres
from deploy.local import broker, database, objects
from deploy.local.errors import PartFailed
from deploy.local.home import Home
from deploy.local.keys import DATABASES, LOGINS
from deploy.local.part import FAKES, SERVICES, Part
from deploy.local.ports import LOOPBACK
from deploy.local.state import State

LOGIN_TRIES = 15
MODULES = {"mint": "services.partners.mint"}
LEAN = {"MALLOC_ARENA_MAX": "2"}  # glibc gives each thread an arena of its own and keeps what it frees


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Recipe:
    """One part: `prepare`, start `part`, wait for `is_ready`, then `finish`. Every step can be repeated."""

    part: Part
    is_ready: Callable[[], bool]
    prepare: Callable[[], None] = _nothing
    finish: Callable[[], None] = _nothing


def recipes(home: Home, state: State) -> dict[str, Recipe]:
    """All parts of the stack by name, engines first."""
    return {
        "postgres": Recipe(
            database.part(home),
            lambda: database.is_ready(state),
            lambda: database.prepare(home, state),
            lambda: _finish_database(state),
        ),
        "kafka": Recipe(
            broker.part(home),
            lambda: broker.is_ready(state),
            lambda: broker.prepare(home, state),
            lambda: apply_topics(state),
        ),
        "seaweedfs": Recipe(
            objects.part(home, state),
            lambda: objects.is_ready(state),
            lambda: objects.prepare(home, state),
            lambda: objects.create_buckets(state),
        ),
        "oidc": _process("oidc", "deploy.local.oidc", "/.well-known/openid-configuration", home, state),
        **{name: _process(name, f"deploy.local.{name}", "/healthz", home, state) for name in FAKES if name != "oidc"},
        **{name: _process(name, MODULES.get(name, f"services.{name}"), "/readyz", home, state) for name in SERVICES},
    }


def apply_topics(state: State) -> None:
    """Topics, users and ACLs of the matrix; returns when the broker lets each of the users in.

    It knows a new user only once it has read the controller's record, a moment after the call was answered.
    """
    kafka.apply(broker.admin(state), {name: state.secrets[f"kafka_{name}"] for name in PRINCIPALS})
    with ThreadPoolExecutor(len(PRINCIPALS)) as pool:
        for name, known in zip(PRINCIPALS, pool.map(lambda name: _is_let_in(state, name), PRINCIPALS), strict=True):
            if not known:
                raise PartFailed("kafka", f"{name} cannot log in after {LOGIN_TRIES} tries", "")


def _is_let_in(state: State, principal: str) -> bool:
    return any(kafka.answers(kafka.admin_client(**state.kafka(principal))) for _ in range(LOGIN_TRIES))


def _finish_database(state: State) -> None:
    asyncio.run(database.create_database(state))
    postgres.apply(state.admin_dsn, {name: state.secrets[f"postgres_{name}"] for name in LOGINS})
    _migrate(state.admin_dsn)


def _migrate(admin_dsn: str) -> None:
    """Imported here: Alembic and the services' models are needed only once the database is there."""
    from deploy.migrations import upgrade  # noqa: PLC0415

    for service in DATABASES:
        upgrade(service, admin_dsn)


def _process(name: str, module: str, path: str, home: Home, state: State) -> Recipe:
    directory = home.data(name)
    command = (sys.executable, "-m", module)
    part = Part(name, command, directory, {"GATEHOUSE_SETTINGS": str(home.settings(name)), **LEAN})
    return Recipe(
        part,
        lambda: _answers(state.ports[name], path),
        lambda: directory.mkdir(parents=True, exist_ok=True),
    )


def _answers(port: int, path: str) -> bool:
    """True if GET path is 200; straight to loopback, whatever proxy this machine is configured for."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=3)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
