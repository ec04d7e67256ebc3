"""Promise 5: a command whose assertion is not exactly the gateway's for it has no effect and is recorded.

Each forger may write to the command topic and holds a good record of the gateway; only the gateway's key is not theirs,
unless the gateway itself is what is imitated (an assertion for another service, another time, another issuer).
"""

import base64
import hmac
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from uuid_utils.compat import uuid7

from contracts.message import Header
from contracts.partners import ReserveUpload, SubmitPartner
from contracts.roles import Role
from deploy.local.stack import Stack
from services.chassis import Reply
from services.wire.actor import LIFETIME_SECONDS
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.poisons import good
from tests.chassis.workbench import as_consumed, desk_of, lane
from tests.support import Bus, RawRecord, ServiceProcess, Tables, command_record, partner_admin
from tests.support.applicants import reservation
from tests.support.records import gateway_key

pytestmark = [ONE_LOOP, pytest.mark.usefixtures("partners")]
PARTITION = 1


class Forgery(NamedTuple):
    """How a good record is bent, and why it is refused."""

    bend: Callable[[Stack, RawRecord], RawRecord]
    reason: str


def assertion_of(record: RawRecord) -> str:
    return (dict(record.headers)[Header.ASSERTION] or b"").decode()


def with_assertion(record: RawRecord, token: str | bytes) -> RawRecord:
    return record.with_header(Header.ASSERTION, token if isinstance(token, bytes) else token.encode())


def encode(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def changed(record: RawRecord, **claims: Any) -> dict[str, Any]:
    return jwt.decode(assertion_of(record), options={"verify_signature": False}) | claims


def patched(record: RawRecord, **claims: Any) -> RawRecord:
    """Other claims under the signature of the true ones."""
    header, _, signature = assertion_of(record).encode().split(b".")
    return with_assertion(record, b".".join((header, encode(orjson.dumps(changed(record, **claims))), signature)))


def signed_again(stack: Stack, record: RawRecord, **claims: Any) -> RawRecord:
    """Other claims, signed by the gateway itself."""
    return with_assertion(record, jwt.encode(changed(record, **claims), gateway_key(stack), "EdDSA"))


def signed_by_a_stranger(_: Stack, record: RawRecord) -> RawRecord:
    return with_assertion(record, jwt.encode(changed(record), Ed25519PrivateKey.generate(), "EdDSA"))


def unsigned(_: Stack, record: RawRecord) -> RawRecord:
    return with_assertion(record, jwt.encode(changed(record), "", "none"))


def signed_with_the_public_key_as_a_secret(stack: Stack, record: RawRecord) -> RawRecord:
    """The confusion of algorithms: who knows the public key, which is everybody, would sign."""
    public = gateway_key(stack).public_key().public_bytes_raw()
    text = encode(b'{"alg":"HS256","typ":"JWT"}') + b"." + encode(orjson.dumps(changed(record)))
    return with_assertion(record, text + b"." + encode(hmac.digest(public, text, "sha256")))


def under_a_new_message_id(_: Stack, record: RawRecord) -> RawRecord:
    fresh = uuid7()
    return replace(record.with_header(Header.ID, str(fresh).encode()), message_id=fresh)


def of_another_message(stack: Stack, record: RawRecord) -> RawRecord:
    return with_assertion(record, assertion_of(good(stack)))


def at(seconds: float) -> Callable[[Stack, RawRecord], RawRecord]:
    return lambda stack, record: signed_again(
        stack, record, iat=int(time.time() + seconds), exp=int(time.time() + seconds + LIFETIME_SECONDS)
    )


SIGNATURE, ELSEWHERE, TIME = "InvalidSignature", "of another issuer or for another audience", "expired or not yet valid"
ROOT = [Role.ROOT_ADMIN.value]

FORGERIES: dict[str, Forgery] = {
    "a forged key": Forgery(signed_by_a_stranger, SIGNATURE),
    "no signature": Forgery(unsigned, "not the one header"),
    "the public key used as a secret": Forgery(signed_with_the_public_key_as_a_secret, "not the one header"),
    "altered roles": Forgery(lambda _, record: patched(record, roles=ROOT), SIGNATURE),
    "an altered subject": Forgery(lambda _, record: patched(record, sub="root-admin-1"), SIGNATURE),
    "a later expiry": Forgery(lambda _, record: patched(record, exp=2**40), SIGNATURE),
    "an altered body": Forgery(
        lambda _, record: replace(record, value=(record.value or b"").replace(b'"kyb"', b'"licensing"')), "cmd_sha256"
    ),
    "another command type": Forgery(
        lambda _, record: record.with_header(Header.TYPE, SubmitPartner.type.encode()), "cmd does not match"
    ),
    "another key": Forgery(lambda _, record: replace(record, key=str(uuid7()).encode()), "key does not match"),
    "a new message id": Forgery(under_a_new_message_id, "jti does not match"),
    "the assertion of another message": Forgery(of_another_message, "does not match"),
    "an expired assertion": Forgery(at(-LIFETIME_SECONDS - 1), TIME),
    "an assertion from tomorrow": Forgery(at(86_400), TIME),
    "another audience": Forgery(lambda stack, record: signed_again(stack, record, aud="staffing"), ELSEWHERE),
    "another issuer": Forgery(lambda stack, record: signed_again(stack, record, iss="partners"), ELSEWHERE),
    "a role that does not exist": Forgery(lambda stack, record: signed_again(stack, record, roles=["Root"]), "Root"),
    "no assertion": Forgery(lambda _, record: record.without_header(Header.ASSERTION), "ce_assertion"),
}


def traces(tables: Tables, record: RawRecord) -> int:
    """Whatever the service would have kept of it, had it believed it."""
    sha256 = orjson.loads(record.value or b"{}")["sha256"]
    counts = (
        tables.value("SELECT count(*) FROM uploads WHERE sha256 = %s", sha256),
        tables.value("SELECT count(*) FROM inbox WHERE message_id = %s", record.message_id),
        tables.value("SELECT count(*) FROM outbox WHERE position(%s IN value) > 0", str(record.command_id).encode()),
    )
    return sum(counts)


@pytest.mark.parametrize("kind", FORGERIES)
async def test_a_forged_command_has_no_effect_and_no_reply_and_is_recorded_with_its_reason(
    kind: str, stack: Stack, partners: ServiceProcess, bus: Bus, tables: Tables
) -> None:
    forged, neighbour = FORGERIES[kind].bend(stack, good(stack)), good(stack)

    offset, _ = await bus.send_all([forged, neighbour], PARTITION)

    assert (await bus.answer_to(neighbour)).status == 201
    assert bus.replies[forged.message_id] == []
    assert traces(tables, forged) == 0
    [letter] = tables.letters_at(forged.topic, PARTITION, offset)
    assert FORGERIES[kind].reason in letter["error"]
    assert (letter["value"], letter["tries"], partners.starts) == (forged.value, 1, 1)


async def test_the_record_that_all_of_them_bend_is_accepted(stack: Stack, bus: Bus, tables: Tables) -> None:
    record = signed_again(stack, good(stack))

    await bus.send(record)

    assert (await bus.answer_to(record)).status == 201
    assert traces(tables, record) == 3


async def test_an_accepted_command_replayed_under_new_message_ids_takes_effect_once(
    stack: Stack, bus: Bus, tables: Tables
) -> None:
    actor = partner_admin(stack)
    record = command_record(stack, reservation("kyb", actor.subject), actor)
    await bus.send(record)
    await bus.answer_to(record)
    replays = [under_a_new_message_id(stack, record) for _ in range(3)]

    offsets = await bus.send_all([*replays, neighbour := good(stack)], PARTITION)

    assert (await bus.answer_to(neighbour)).status == 201
    assert traces(tables, record) == 3
    assert [len(tables.letters_at(record.topic, PARTITION, offset)) for offset in offsets] == [1, 1, 1, 0]
    assert all(bus.replies[replay.message_id] == [] for replay in replays)


@pytest.mark.parametrize("kind", [kind for kind, forgery in FORGERIES.items() if forgery.reason == SIGNATURE])
async def test_control_without_its_signature_check_the_service_would_believe_a_forgery(
    kind: str, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged = as_consumed(FORGERIES[kind].bend(stack, good(stack)))
    believed = list[ReserveUpload]()

    def handle(command: ReserveUpload, *_: object) -> Reply:
        believed.append(command)
        return Reply(201)

    def believe(_: object, token: str) -> dict[str, Any]:
        return jwt.decode(token, options={"verify_signature": False})

    monkeypatch.setattr("services.wire.actor._open", believe)
    async with lane(stack, desk_of(handle)) as process:
        await process([forged])

    assert len(believed) == 1
