"""Our assertions are ordinary JWTs: PyJWT reads what we write, and we read what it writes."""

import base64
import json
from datetime import UTC, datetime
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.message import Actor, ActorType, Chosen, Context
from contracts.roles import Role
from services.wire.actor import ISSUER, AssertionRefusedError, Sealed, sign, verify

KEY = Ed25519PrivateKey.generate()
ADA = Actor(type=ActorType.USER, issuer="https://id.example", subject="auth0|ada", roles=frozenset({Role.OPS}))
CONTEXT = Context(request_id="req-1", command_id=uuid4(), ip="127.0.0.1")
SEALED = Sealed("partners", uuid4(), "partner.submit.v1", "p-1", b'{"name":"Acme"}')


def test_pyjwt_accepts_our_assertion() -> None:
    token = sign(KEY, ADA, CONTEXT, SEALED)

    claims = jwt.decode(token, KEY.public_key(), algorithms=["EdDSA"], audience="partners", issuer=ISSUER)

    assert (claims["sub"], claims["txn"]) == ("auth0|ada", str(CONTEXT.command_id))


def test_we_accept_the_same_claims_written_by_pyjwt() -> None:
    ours = sign(KEY, ADA, CONTEXT, SEALED)
    claims = jwt.decode(ours, options={"verify_signature": False})

    actor, context = verify(KEY.public_key(), jwt.encode(claims, KEY, "EdDSA"), SEALED)

    assert (actor, context) == (ADA, CONTEXT)


def test_a_session_and_its_context_arrive_as_they_were() -> None:
    chosen = Chosen(tenant_id=uuid4(), branch_id=None, since=datetime(2026, 11, 28, 9, 30, 0, 123456, tzinfo=UTC))
    dara = Actor(type=ActorType.STAFF, issuer="staff", subject=str(uuid4()), session_id=uuid4(), chosen=chosen)

    assert verify(KEY.public_key(), sign(KEY, dara, CONTEXT, SEALED), SEALED)[0] == dara


@pytest.mark.parametrize("header", [{"alg": "none", "typ": "JWT"}, {"alg": "EdDSA", "typ": "JWT", "kid": "x"}])
def test_another_header_is_refused_though_it_is_signed(header: dict[str, str]) -> None:
    claims = jwt.decode(sign(KEY, ADA, CONTEXT, SEALED), options={"verify_signature": False})
    signed = b".".join(map(_encode, (json.dumps(header), json.dumps(claims))))
    token = (signed + b"." + _encode(KEY.sign(signed))).decode()

    with pytest.raises(AssertionRefusedError):
        verify(KEY.public_key(), token, SEALED)


@pytest.mark.parametrize("garbage", ["", ".", "..", "a.b", "a.b.c", "é.é.é", "x" * 5000])
def test_garbage_is_refused(garbage: str) -> None:
    with pytest.raises(AssertionRefusedError):
        verify(KEY.public_key(), garbage, SEALED)


def _encode(raw: bytes | str) -> bytes:
    return base64.urlsafe_b64encode(raw if isinstance(raw, bytes) else raw.encode()).rstrip(b"=")
