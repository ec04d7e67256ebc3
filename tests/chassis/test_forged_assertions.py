"""Promise 5: nothing is believed that the gateway did not sign for this message, this service and this moment.

Each forgery is put straight on the command topic by a principal that may write there. None is accepted, each is
recorded, and the command it wraps is good: signed properly it is answered.
"""

import base64
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from uuid_utils.compat import uuid7

from contracts.message import Header
from contracts.partners import COMMANDS
from contracts.roles import Role
from deploy.local.keys import public_key
from deploy.local.stack import Stack
from tests.chassis.conftest import ONE_LOOP
from tests.support import Bus, RawRecord, ServiceProcess, Tables, command_record, eventually, person, root_admin
from tests.support.applicants import reservation
from tests.support.records import gateway_key

Forgery = Callable[[Stack], RawRecord]
STRANGER = Ed25519PrivateKey.generate()
AN_HOUR = 3600


def genuine(stack: Stack, **bent: Any) -> RawRecord:
    actor = person(stack, "mallory", Role.PARTNER_ADMIN)
    return command_record(stack, reservation("kyb", "mallory"), actor, **bent)


def assertion_of(record: RawRecord) -> str:
    return (dict(record.headers)[Header.ASSERTION] or b"").decode()


def with_assertion(record: RawRecord, token: str) -> RawRecord:
    return record.with_header(Header.ASSERTION, token.encode())


def claims_of(record: RawRecord) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(assertion_of(record), options={"verify_signature": False})
    return claims


def altered(**claims: object) -> Forgery:
    """The claims changed, the signature kept."""

    def forge(stack: Stack) -> RawRecord:
        record = genuine(stack)
        header, _, signature = assertion_of(record).split(".")
        payload = jwt.encode(claims_of(record) | claims, STRANGER, "EdDSA").split(".")[1]
        return with_assertion(record, f"{header}.{payload}.{signature}")

    return forge


def signed_anew(**claims: object) -> Forgery:
    """Really signed by the gateway's key, but for something else."""

    def forge(stack: Stack) -> RawRecord:
        record = genuine(stack)
        return with_assertion(record, jwt.encode(claims_of(record) | claims, gateway_key(stack), "EdDSA"))

    return forge


def of_another_kind(algorithm: str) -> Forgery:
    """`none`, or an HMAC keyed with the public key that everybody knows (RFC 8725 §2.1)."""

    def forge(stack: Stack) -> RawRecord:
        record = genuine(stack)
        secret = base64.urlsafe_b64decode(public_key(stack.state.secrets["actor_signing_key"]) + "==")
        key = None if algorithm == "none" else secret.ljust(32, b"\0")
        return with_assertion(record, jwt.encode(claims_of(record), key, algorithm))  # type: ignore[arg-type]

    return forge


def under_a_new_message_id(stack: Stack) -> RawRecord:
    """A replay: what was answered once, sent as if it were another message."""
    return genuine(stack).with_header(Header.ID, str(uuid7()).encode())


def of_another_body(stack: Stack) -> RawRecord:
    record = genuine(stack)
    return replace(record, value=(record.value or b"").replace(b'"kyb"', b'"licensing"'))


def as_another_command(stack: Stack) -> RawRecord:
    return genuine(stack).with_header(Header.TYPE, b"partner.submit")


def of_a_better_person(stack: Stack) -> RawRecord:
    """A root admin's assertion around somebody else's command."""
    theirs = command_record(stack, reservation("kyb", "root"), root_admin(stack))
    return with_assertion(genuine(stack), assertion_of(theirs))


FORGERIES: dict[str, Forgery] = {
    "signed by a stranger": lambda stack: genuine(stack, signing_key=STRANGER),
    "not signed, algorithm none": of_another_kind("none"),
    "signed with HMAC and the public key": of_another_kind("HS256"),
    "a subject altered": altered(sub="root-admin-1"),
    "a role added": altered(roles=["RoleRootAdmin"]),
    "an expiry prolonged": altered(exp=int(time.time()) + 10 * AN_HOUR),
    "expired": lambda stack: genuine(stack, now=time.time() - AN_HOUR),
    "not yet valid": lambda stack: genuine(stack, now=time.time() + AN_HOUR),
    "for another service": lambda stack: genuine(stack, audience="staffing"),
    "of another issuer": signed_anew(iss="https://evil.example"),
    "without an expiry": signed_anew(exp=None),
    "with a role that does not exist": signed_anew(roles=["RoleOfHonour"]),
    "replayed under a new message id": under_a_new_message_id,
    "of another body": of_another_body,
    "for another command": as_another_command,
    "of another message and person": of_a_better_person,
}


@ONE_LOOP
@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_assertion_is_not_accepted_and_is_recorded(
    forgery: str, stack: Stack, partners: ServiceProcess, bus: Bus, tables: Tables
) -> None:
    forged, neighbour = FORGERIES[forgery](stack), genuine(stack)

    offset, _ = await bus.send_all([forged, neighbour], partition=1)

    assert (await bus.answer_to(neighbour)).status == 201
    [letter] = await eventually(lambda: tables.letters_at(COMMANDS, 1, offset), "its dead letter")
    assert "assertion" in letter["error"]
    assert letter["value"] == forged.value
    assert tables.value("SELECT count(*) FROM inbox WHERE message_id = %s", forged.message_id) == 0
    assert tables.value("SELECT count(*) FROM replies WHERE command_id = %s", forged.command_id) == 0
    assert bus.replies[forged.message_id] == []


def test_no_service_holds_the_key_that_signs(stack: Stack) -> None:
    """Every service may write its own command topic and knows the public key; that is not enough to forge."""
    for service in ("partners", "staffing", "audit"):
        assert stack.state.secrets["actor_signing_key"] not in stack.env_of(service).values()


@ONE_LOOP
@pytest.mark.parametrize("proper", [genuine, signed_anew()], ids=["by the gateway", "by this test with its key"])
async def test_what_was_signed_properly_is_answered(
    proper: Forgery, stack: Stack, partners: ServiceProcess, bus: Bus
) -> None:
    """Control: the forgeries wrap a command that is fine in itself, and their tools make good tokens too."""
    record = proper(stack)

    await bus.send_all([record], partition=1)

    assert (await bus.answer_to(record)).status == 201
