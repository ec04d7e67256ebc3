"""A8 over HTTP: what an auditor is given can be checked with the log's public key and nothing else."""

from typing import Any
from uuid import uuid4

import pytest

from contracts.audit import ProveEvents
from deploy.local.environment import AUDIT_ORIGIN
from deploy.local.keys import public_key
from deploy.local.stack import Stack
from services.audit.merkle import verify_inclusion
from services.audit.note import Verifier
from services.wire import actor
from tests.http.conftest import Api
from tests.support import Bus, eventually_true, partner_admin

pytestmark = pytest.mark.usefixtures("audit")
EVENTS = "/api/v1/audit/events"


def holds(stack: Stack, checkpoint: str, proof: dict[str, Any]) -> bool:
    key = actor.public_key(public_key(stack.state.secrets["audit_signing_key"]))
    signed = Verifier(AUDIT_ORIGIN, key).checkpoint(checkpoint)
    leaf, path = bytes.fromhex(proof["leaf_hash"]), [bytes.fromhex(node) for node in proof["path"]]
    return verify_inclusion(leaf, proof["position"], signed.size, path, signed.root)


def recorded(api: Api, auditor: str, partner_id: str) -> dict[str, Any]:
    """The event of a partner's first reservation, once the log has it."""

    def found() -> list[dict[str, Any]]:
        page = api.call("GET", f"{EVENTS}?target_type=partner&target_id={partner_id}", auditor)
        assert page.status_code == 200, page.text
        data: list[dict[str, Any]] = page.json()["data"]
        return data

    return eventually_true(found, "the event in the log")[0]


async def test_an_event_and_its_proof_are_given_by_its_id(api: Api, stack: Stack) -> None:
    maria = partner_admin(stack)
    partner, auditor = api.token(maria.subject, "RolePartnerAdmin"), api.token("anna", "RoleAuditor")

    listed = recorded(api, auditor, api.upload(partner, "kyb")["partner_id"])
    given = api.call("GET", f"{EVENTS}/{listed['id']}", auditor)
    proof = api.call("GET", f"{EVENTS}/{listed['id']}/proof", auditor)
    refused = [api.call("GET", f"{EVENTS}/{listed['id']}{what}", partner) for what in ("", "/proof")]
    unknown = [api.call("GET", f"{EVENTS}/{one}{what}", auditor) for one in (uuid4(), "x") for what in ("", "/proof")]
    async with Bus.of(stack) as bus:
        bundle = await bus.ask(ProveEvents(leaf_hashes=(listed["leaf_hash"],)), maria)

    assert given.json() == listed
    assert (proof.json()["position"], proof.json()["leaf_hash"]) == (listed["position"], listed["leaf_hash"])
    assert holds(stack, proof.json()["checkpoint"], proof.json())
    assert not holds(stack, proof.json()["checkpoint"], proof.json() | {"position": listed["position"] + 1})
    assert [answer.json()["code"] for answer in refused] == ["ROLE_REQUIRED"] * 2
    assert [answer.status_code for answer in unknown] == [404] * 4
    assert bundle.status == 200, "anybody may prove what they hold"
    assert holds(stack, bundle.json["checkpoint"], bundle.json["proofs"][0])
