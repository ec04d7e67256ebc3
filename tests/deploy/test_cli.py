"""The `gatehouse` command as people and programs use it."""

import json
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from typer.testing import CliRunner, Result

from contracts.topics import TOPICS
from deploy.cli.app import app
from deploy.local.environment import ROOT_ADMINS
from deploy.local.part import ENGINES, EVERYTHING
from deploy.local.stack import Stack


def gatehouse(*arguments: str, home: Path | None = None) -> Result:
    environment = {"GATEHOUSE_HOME": str(home) if home else None, "COLUMNS": "200"}
    return CliRunner().invoke(app, arguments, env=environment)


def test_up_on_a_running_stack_starts_nothing_new(stack: Stack) -> None:
    before = {name: stack.pid_of(name) for name in ENGINES}

    result = gatehouse("up", "--only-engines", home=stack.home.root)

    assert result.exit_code == 0
    assert {name: stack.pid_of(name) for name in ENGINES} == before


def test_status_tells_how_to_reach_everything_and_what_is_not_ready(stack: Stack) -> None:
    result = gatehouse("status", "--json", "--home", str(stack.home.root))
    status: dict[str, Any] = json.loads(result.stdout)

    assert set(status) == {
        "gateway",
        "console",
        "oidc_issuer",
        "kafka",
        "postgres",
        "s3",
        "root_admin_subjects",
        "services",
    }
    assert set(status["kafka"]) == {"bootstrap", "security_protocol", "sasl_mechanism", "username", "password"}
    assert status["kafka"]["username"] == "downstream"
    assert set(status["s3"]) == {"endpoint", "bucket", "access_key", "secret_key"}
    assert status["root_admin_subjects"] == list(ROOT_ADMINS)
    parts = {part["name"]: part for part in status["services"]}
    assert parts["mint"]["token"] == stack.env_of("mint")["GATEHOUSE_HSM_KIND"]  # a software token is never silent
    assert set(parts) == set(EVERYTHING)
    assert all(parts[name]["ready"] and parts[name]["pid"] for name in ENGINES)
    assert result.exit_code == (0 if all(part["ready"] for part in parts.values()) else 1)


def test_token_prints_a_token_the_published_keys_verify_and_nothing_else(stack: Stack) -> None:
    roles = ("--role", "RoleRootAdmin", "--role", "RoleOps")
    result = gatehouse("token", "--subject", "ada", *roles, "--ttl", "60", home=stack.home.root)

    keys = httpx.get(f"{stack.state.url('oidc')}/jwks.json", trust_env=False).json()
    token = result.stdout.removesuffix("\n")
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience="gatehouse", issuer=stack.state.url("oidc"))

    assert (claims["sub"], claims["roles"]) == ("ada", ["RoleRootAdmin", "RoleOps"])


def test_sms_prints_the_newest_message_and_says_so_if_there_is_none(stack: Stack) -> None:
    headers = {"Authorization": f"Bearer {stack.state.secrets['sms_token']}"}
    for body in ("old", "new"):
        httpx.post(
            f"{stack.state.url('sms')}/v1/messages",
            json={"to": "+15550107777", "body": body},
            headers=headers | {"Idempotency-Key": f"cli-{body}"},
            trust_env=False,
        )

    assert gatehouse("sms", "+15550107777", home=stack.home.root).stdout == "new\n"
    assert gatehouse("sms", "+15550100404", home=stack.home.root).exit_code == 1


def test_topics_apply_can_be_repeated(stack: Stack) -> None:
    result = gatehouse("topics", "apply", "--json", home=stack.home.root)

    assert json.loads(result.stdout)["topics"] == len(TOPICS)


def test_acl_render_needs_no_stack() -> None:
    rows = json.loads(gatehouse("acl", "render", "--json").stdout)

    assert {"principal": "partners", "operation": "WRITE", "resource": "TOPIC", "name": "partner.approved"} in [
        {key: row[key] for key in ("principal", "operation", "resource", "name")} for row in rows
    ]


@pytest.mark.parametrize("command", [("status",), ("token", "--subject", "x"), ("sms", "+15550100404")])
def test_without_a_stack_it_says_how_to_get_one(tmp_path: Path, command: tuple[str, ...]) -> None:
    result = gatehouse(*command, home=tmp_path)

    assert result.exit_code == 1
    assert "gatehouse up" in result.output
    assert "Traceback" not in result.output


def test_down_without_a_stack_is_no_error_and_writes_nothing(tmp_path: Path) -> None:
    assert gatehouse("down", home=tmp_path / "home").exit_code == 0
    assert not (tmp_path / "home").exists()


def test_up_refuses_production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_ENV", "production")

    result = gatehouse("up", home=tmp_path / "home")

    assert result.exit_code == 1
    assert "GATEHOUSE_ENV=production" in result.output
    assert not (tmp_path / "home").exists()
