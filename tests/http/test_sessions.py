"""Sessions over HTTP: what ends one binds on the next request, and no secret of theirs lies about anywhere."""

import asyncio
import secrets
from typing import LiteralString
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg.types.string import TextLoader

from contracts.staffing import CREDENTIALS
from contracts.topics import EVENT_TOPICS, REPLIES
from deploy.local.stack import Stack
from tests.http.conftest import Api
from tests.http.test_staff_journey import TENANTS, code_for, mobile
from tests.support import eventually_true
from tests.support.wire import reader, until_now

SESSIONS, ACTIVATION = "/api/v1/sessions", "/api/v1/activation"


class Owner:
    """The owner of a tenant of their own."""

    def __init__(self, api: Api) -> None:
        self.api, self.phone, self.password = api, mobile(), secrets.token_urlsafe(12)
        root = api.token("root-admin-1", "RoleRootAdmin")
        body = {"name": "Café", "region": "KH", "owner": {"phone": self.phone, "display_name": "Sokha Chan"}}
        self.tenant = api.call("POST", TENANTS, root, json=body).json()["id"]
        self.codes: list[str] = []
        self.choose(self.password)

    def choose(self, password: str) -> None:
        """Prove to hold the phone, and choose a password, for the first time or again."""
        assert self.api.call("POST", ACTIVATION, json={"phone": self.phone}).status_code == 202
        code = _new_code(self.api, self.phone, self.codes)
        self.codes.append(code)
        proof = {"phone": self.phone, "code": code, "password": password}
        assert self.api.call("POST", f"{ACTIVATION}/verify", json=proof).status_code == 204
        self.password = password

    def log_in(self) -> dict[str, str]:
        opened = self.api.call("POST", SESSIONS, json={"phone": self.phone, "password": self.password})
        assert opened.status_code == 201, opened.text
        return dict(opened.json())

    def look(self, session: dict[str, str]) -> httpx.Response:
        return self.api.call("GET", f"{TENANTS}/{self.tenant}", session["access_token"])

    def write(self, session: dict[str, str]) -> httpx.Response:
        return self.api.call("POST", f"{TENANTS}/{self.tenant}/branches", session["access_token"], json={"name": "B"})

    def refresh(self, session: dict[str, str], **sent: str) -> httpx.Response:
        headers = {"Idempotency-Key": sent.get("key", uuid4().hex)}
        body = {"refresh_token": session["refresh_token"]}
        return self.api.call("POST", f"{SESSIONS}/refresh", json=body, headers=headers)

    def is_out(self, session: dict[str, str]) -> bool:
        """Reading, writing and going on are refused alike."""
        answers = [self.look(session), self.write(session), self.refresh(session)]
        return {(answer.status_code, answer.json()["code"]) for answer in answers} == {(401, "TOKEN_INVALID")}


def _new_code(api: Api, phone: str, old: list[str]) -> str:
    return eventually_true(lambda: None if (code := code_for(api, phone)) in old else code, "a new code") or ""


@pytest.fixture
def owner(api: Api) -> Owner:
    return Owner(api)


def test_a_session_goes_on_by_refreshing(owner: Owner) -> None:
    first, key = owner.log_in(), uuid4().hex

    answer, again = owner.refresh(first, key=key), owner.refresh(first, key=key)
    second = answer.json()

    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert second.keys() == {"access_token", "refresh_token", "expires_in"}
    assert again.json() == second
    assert owner.look(second).status_code == 200
    assert owner.look(first).status_code == 200


def test_a_copied_refresh_token_ends_the_session_on_the_next_request(owner: Owner) -> None:
    first, elsewhere = owner.log_in(), owner.log_in()
    second = owner.refresh(first).json()

    reused = owner.refresh(first)

    assert (reused.status_code, reused.json()["code"]) == (401, "TOKEN_INVALID")
    assert reused.headers["www-authenticate"].startswith("Bearer")
    assert owner.is_out(second)
    assert owner.look(elsewhere).status_code == 200


def test_a_logout_binds_on_the_next_request(api: Api, owner: Owner) -> None:
    session, elsewhere = owner.log_in(), owner.log_in()

    closed = api.call("DELETE", SESSIONS, session["access_token"])

    assert (closed.status_code, closed.content) == (204, b"")
    assert owner.is_out(session)
    assert owner.look(elsewhere).status_code == 200


def test_a_reset_binds_on_the_next_request(owner: Owner) -> None:  # P12
    sessions = [owner.log_in(), owner.log_in()]
    assert {owner.look(session).status_code for session in sessions} == {200}

    owner.choose(secrets.token_urlsafe(12))

    assert all(owner.is_out(session) for session in sessions)
    assert owner.look(owner.log_in()).status_code == 200


def test_a_disabled_person_is_out_on_the_next_request(api: Api, owner: Owner) -> None:
    root = api.token("root-admin-1", "RoleRootAdmin")
    session = owner.log_in()
    account = _account(api.stack, owner.phone)

    disabled = api.call("POST", f"/api/v1/accounts/{account}/disable", root, json={"reason": "Lost phone"})
    login = api.call("POST", SESSIONS, json={"phone": owner.phone, "password": owner.password})
    unknown = api.call("POST", f"/api/v1/accounts/{uuid4()}/disable", root)
    mine = api.call("POST", f"/api/v1/accounts/{account}/enable", session["access_token"])

    assert (disabled.status_code, disabled.json()["disabled"]) == (200, True)
    assert disabled.headers["etag"] == f'"{disabled.json()["version"]}"'
    assert owner.is_out(session)
    assert (login.status_code, login.json()["code"]) == (403, "ACCOUNT_DISABLED")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "NOT_FOUND")
    assert (mine.status_code, mine.json()["code"]) == (403, "ROLE_REQUIRED")
    assert api.call("POST", f"/api/v1/accounts/{account}/enable", root).status_code == 200
    assert owner.look(owner.log_in()).status_code == 200


def _account(stack: Stack, phone: str) -> str:
    statement: LiteralString = "SELECT id FROM staffing.accounts WHERE phone = %s"
    with psycopg.connect(stack.state.admin_dsn) as tables:
        row = tables.execute(statement, (phone,)).fetchone()
    assert row
    return str(row[0])


def test_a_refused_password_says_why(api: Api, owner: Owner) -> None:
    proof = {"phone": owner.phone, "code": "123456", "password": "P@ssw0rd2024!"}

    answer = api.call("POST", f"{ACTIVATION}/verify", json=proof)

    assert (answer.status_code, answer.json()["code"], answer.json()["reasons"]) == (
        422,
        "PASSWORD_POLICY",
        ["common"],
    )


@pytest.mark.parametrize(
    "body", [{}, {"refresh_token": 5}, {"refresh_token": "x", "more": 1}, {"refresh_token": "x" * 2000}]
)
def test_a_malformed_refresh_is_no_token(api: Api, body: dict[str, object]) -> None:
    answer = api.call("POST", f"{SESSIONS}/refresh", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED")
    assert "xxxx" not in answer.text


def test_no_secret_lies_in_a_log_a_topic_or_a_table(api: Api) -> None:
    """Canaries: everything a whole life of credentials holds, wrong tries and refused bodies included."""
    owner = Owner(api)
    canary = "canary-password-XYZZY"
    owner.choose(canary)
    first = owner.log_in()
    second = owner.refresh(first).json()
    owner.refresh(first)
    third = owner.log_in()
    owner.api.call("POST", SESSIONS, json={"phone": owner.phone, "password": f"{canary}-wrong"})
    owner.api.call("POST", SESSIONS, json={"phone": owner.phone, "password": canary, "extra": 1})
    owner.api.call("POST", f"{SESSIONS}/refresh", json={"refresh_token": f"{canary}-refresh"})
    owner.api.call("DELETE", SESSIONS, third["access_token"])
    issued = [token for pair in (first, second, third) for token in (pair["access_token"], pair["refresh_token"])]
    canaries = [canary, *issued]

    logs = [process.log.read_bytes() for process in (api.gateway, *api.owners.values())]
    topics = asyncio.run(_records(api.stack))
    tables = _tables(api.stack)

    assert b"session.refresh" in b"".join(logs)
    assert owner.phone in tables, "the scan sees what is there"
    assert owner.phone.encode() in topics
    assert b"session.refreshed" in topics
    for where, text in {"logs": b"".join(logs), "topics": topics, "tables": tables.encode()}.items():
        assert not [canary for canary in canaries if canary.encode() in text], where
        assert not [code for code in owner.codes if b'"%s"' % code.encode() in text], where


async def _records(stack: Stack) -> bytes:
    """All that stands on the topics of credentials, replies and events, the gateway's too: keys, values, headers."""
    found = bytearray()
    for principal, topics in (
        ("staffing", (CREDENTIALS,)),
        ("gateway", (REPLIES.name,)),
        ("downstream", EVENT_TOPICS),
    ):
        async with reader(stack, principal, *topics) as consumer:
            for record in await until_now(consumer):
                found += b"\n".join([record.key or b"", record.value or b"", repr(record.headers).encode()])
    return bytes(found)


def _tables(stack: Stack) -> str:
    names: LiteralString = (
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('staffing', 'partners')"
    )
    with psycopg.connect(stack.state.admin_dsn) as tables:
        tables.adapters.register_loader("timestamptz", TextLoader)  # Python's dates end before PostgreSQL's
        found = [str(row[0]) for row in tables.execute(names)]
        return "\n".join(_text(tables, name) for name in found)


def _text(tables: "psycopg.Connection[tuple[object, ...]]", name: str) -> str:
    """Every row, bytes as text: what is stored as bytea would hide behind hexadecimal digits."""
    rows = tables.execute(f"SELECT * FROM {name}".encode()).fetchall()
    return "\n".join(
        " ".join(value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in row)
        for row in rows
    )
