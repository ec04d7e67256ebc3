"""Planted people go through the whole stack, are erased, and are then in no table, topic or log; proofs still hold.

What is scanned for is scanned for before as well: a scan that finds nothing must have been able to find something.
"""

import asyncio
import hashlib
import hmac
import json
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import Any, LiteralString
from uuid import uuid4

import pytest

from contracts.credentials import RequestActivation
from contracts.topics import DOWNSTREAM, EVENT_TOPICS, TOPICS, Kind
from deploy.local import broker
from deploy.local.stack import Stack
from deploy.trimming import REPLY_SECONDS, trim
from services.wire.personal import MasterKey
from tests.http.conftest import Api
from tests.http.test_audit_proofs import holds
from tests.http.test_staff_journey import Shop, mobile
from tests.support import ServiceProcess, eventually, eventually_true, partner_admin
from tests.support.scan import tables_holding
from tests.support.tables import Tables
from tests.support.wire import reader, until_now

EVENTS = "/api/v1/audit/events"
REASON = {"reason": "request 2026/31"}


class Planted:
    """One person on a staff and one in a roster, each renamed once, and both gone from there."""

    def __init__(self, api: Api) -> None:
        self.api, mark = api, uuid4().hex[:10]
        self.root = api.token("root-admin-1", "RoleRootAdmin")
        self.auditor = api.token("anna", "RoleAuditor")
        self.phone, self.number = mobile(), f"+4420794{uuid4().int % 100_000:05}"
        self.clerk = [f"Canary Clerk {mark}", f"Canary Typist {mark}"]
        self.contact = [f"Canary Agent {mark}", f"Canary Broker {mark}"]
        self.mail = f"canary-{mark}@agents.example"
        self.subject = f"agent-{mark}"
        self.account, self.partner, self.keys = "", "", [uuid4().hex, uuid4().hex]

    @property
    def values(self) -> list[str]:
        return [self.phone, self.phone[1:], self.number, *self.clerk, *self.contact, self.mail]

    def live(self) -> "Planted":
        shop = Shop(self.api)
        hired = shop.add(phone=self.phone, display_name=self.clerk[0], notify="sms").json()
        self.account = hired["account_id"]
        renamed = self._again(shop, self.clerk[1])
        path = f"{shop.path}/staff/{self.account}/revoke"
        version = {"If-Match": renamed.headers["etag"]}
        assert self.api.call("POST", path, shop.owner, json={}, headers=version).status_code == 200
        self._join_and_leave()
        return self

    def _again(self, shop: Shop, name: str) -> Any:
        person = {"phone": self.phone, "display_name": name, "role_key": "MANAGER", "branch_ids": shop.branches}
        path = f"{shop.path}/staff?if_exists=update"
        answer = self.api.call("POST", path, shop.owner, json={**person, "notify": "none"})
        assert answer.json()["outcome"] == "updated", answer.text
        return answer

    def _join_and_leave(self) -> None:
        maria = partner_admin(self.api.stack)
        bearer = self.api.token(maria.subject, "RolePartnerAdmin")
        application = self.api.application(maria.subject, bearer)
        agent = {
            "name": self.contact[0],
            "email": self.mail,
            "phone": self.number,
            "role": "Agent",
            "subject": self.subject,
        }
        contacts = [*application["contacts"], agent]
        partner = self.api.call("POST", "/api/v1/partners", bearer, json={**application, "contacts": contacts})
        self.partner = partner.json()["id"]
        for roster in ([contacts[0], {**agent, "name": self.contact[1]}], contacts[:1]):
            version = {"If-Match": self._partner().headers["etag"]}
            path = f"/api/v1/partners/{self.partner}/contacts"
            changed = self.api.call("PUT", path, bearer, json={"contacts": roster}, headers=version)
            assert changed.status_code == 200, changed.text
        removed: LiteralString = "SELECT status FROM deactivations WHERE partner_id = %s"
        tables = Tables(self.api.stack, "partners")
        eventually_true(lambda: tables.value(removed, self.partner) == "done", "the provider has been told")

    def _partner(self) -> Any:
        return self.api.call("GET", f"/api/v1/partners/{self.partner}", self.root)

    def erase_account(self) -> Any:
        return self.api.call("POST", f"/api/v1/accounts/{self.account}/erase", self.root, json=REASON)

    def erase_contact(self) -> Any:
        body = {**REASON, "issuer": self.api.stack.state.url("oidc"), "subject": self.subject}
        version = {"If-Match": self._partner().headers["etag"]}
        path = f"/api/v1/partners/{self.partner}/contacts/erase"
        return self.api.call("POST", path, self.root, json=body, headers=version)

    def hold(self, what: str, release: str = "") -> Any:
        place = {"account": f"accounts/{self.account}", "partner": f"partners/{self.partner}"}[what]
        return self.api.call("POST", f"/api/v1/{place}/legal-hold{release}", self.root, json=REASON)

    def told(self, bearer: str, **filters: str) -> list[dict[str, Any]]:
        """What the log says of both, oldest first."""
        found = []
        for target in (f"account:{self.account}", f"partner:{self.partner}"):
            page = self.api.http.get(
                EVENTS,
                params={"target": target, "limit": 100, **filters},
                headers={"Authorization": f"Bearer {bearer}"},
            )
            assert page.status_code == 200, page.text
            found += page.json()["data"]
        return found


@pytest.fixture(scope="module")
def planted(api: Api, audit: ServiceProcess) -> Planted:
    return Planted(api).live()


def test_who_is_erased_is_nowhere_and_every_proof_still_holds(api: Api, stack: Stack, planted: Planted) -> None:
    eventually_true(lambda: len(sealed_in(planted.told(planted.auditor))) >= 19, "all of it in the log")
    plain = planted.told(planted.root, unseal="true")
    closed = planted.told(planted.auditor)
    refused = [
        api.call("GET", f"{EVENTS}?unseal=true&target=account:{planted.account}", bearer)
        for bearer in (planted.auditor, api.token("root-admin-99", "RoleRootAdmin"))
    ]
    before = tables_holding(stack, planted.values)
    on_topics = asyncio.run(topics_holding(stack, planted.values))
    stopped = [planted.hold(what).status_code for what in ("account", "partner")]
    held = [planted.erase_account(), planted.erase_contact()]
    freed = [planted.hold(what, "/release").status_code for what in ("account", "partner")]

    erased = [planted.erase_account(), planted.erase_contact()]

    shown = json.dumps(plain)
    assert [value for value in planted.values if value not in shown] == []
    assert [value for value in planted.values if value in json.dumps(closed)] == []
    assert [(a.status_code, a.json()["code"]) for a in refused] == [
        (403, "ROLE_REQUIRED"),
        (403, "ROOT_ADMIN_REQUIRED"),
    ]
    assert {"staffing.accounts"} <= before[planted.phone]
    assert {"partners.partner_contacts", "partners.dossiers", "partners.replies"} <= before[planted.mail]
    assert set(on_topics) == {"staffing.commands", "partners.commands", "gateway.replies"}
    assert (stopped, freed) == ([200, 200], [200, 200])
    assert [(answer.status_code, answer.json()["code"]) for answer in held] == [(409, "LEGAL_HOLD")] * 2
    assert [answer.status_code for answer in erased] == [200, 200], [answer.text for answer in erased]
    assert {value: found for value, found in tables_holding(stack, planted.values).items() if found} == {}
    assert nothing_on_topics_once_trimmed(stack, planted.values)
    assert logs_holding([api.gateway, *api.owners.values()], planted.values) == []
    assert_proofs_hold(api, stack, planted, closed)


def sealed_in(events: Iterable[dict[str, Any]]) -> list[str]:
    return [part for part in json.dumps(list(events)).split('"') if part.startswith("gh1.")]


def test_afterwards_a_reader_with_the_right_sees_that_somebody_was_erased(planted: Planted) -> None:
    """The neighbours of who is erased are shown as before."""
    opened = planted.told(planted.root, unseal="true")
    data = {event["type"]: event["data"] for event in opened}

    assert data["identity.provisioned"]["phone"] == {"erased": True}
    assert data["staff.renamed"]["previous_display_name"] == {"erased": True}
    assert data["partner.contact.updated"]["previous_name"] == {"erased": True}
    people = [contact["name"] for contact in data["partner.submitted"]["contacts"]]
    assert people == ["Ada Lovelace", {"erased": True}]
    assert {"account.erased", "partner.contact.erased"} <= data.keys()


def test_one_event_is_opened_too_and_each_opening_is_recorded(api: Api, planted: Planted) -> None:
    (event,) = [told for told in planted.told(planted.root) if told["type"] == "partner.submitted"]

    opened = api.call("GET", f"{EVENTS}/{event['id']}?unseal=true", planted.root).json()

    assert opened["data"]["contacts"][0]["email"] == "ada@acme.example"
    assert opened["leaf_hash"] == event["leaf_hash"]
    read = eventually_true(lambda: reading_of(api, planted, event["id"]), "the reading in the log")
    assert read[-1]["data"]["unsealed"] == 6


def reading_of(api: Api, planted: Planted, event_id: str) -> list[dict[str, Any]]:
    page = api.call("GET", f"{EVENTS}?action=audit.read&actor=root-admin-1&limit=100", planted.auditor).json()
    return [told for told in page["data"] if told["data"]["filters"].get("event_id") == event_id]


def assert_proofs_hold(api: Api, stack: Stack, planted: Planted, closed: list[dict[str, Any]]) -> None:
    """Of every event as it was recorded, and of the log as a whole."""
    for event in closed:
        proof = api.call("GET", f"{EVENTS}/{event['id']}/proof", planted.auditor).json()
        assert holds(stack, proof["checkpoint"], proof), event["type"]
    assert sealed_in(planted.told(planted.auditor))[: len(sealed_in(closed))], "ciphertext stays"
    command = (sys.executable, "-m", "deploy.cli.app", "audit", "verify", "--json", "--home", str(stack.home.root))

    def verified() -> bool:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert json.loads(done.stdout)["ok"], done.stdout + done.stderr
        return True

    eventually_true(verified, "the log verifies, its checkpoints published")


async def topics_holding(stack: Stack, values: Iterable[str]) -> dict[str, list[str]]:
    """The topics on which some of the values stand: keys, values and headers."""
    found: dict[str, list[str]] = {}
    for principal, topics in readable().items():
        async with reader(stack, principal, *topics) as consumer:
            for record in await until_now(consumer):
                text = b"\n".join([record.key or b"", record.value or b"", repr(record.headers).encode()])
                here = [value for value in values if value.encode() in text]
                if here:
                    found.setdefault(record.topic, []).extend(here)
    return found


def readable() -> dict[str, list[str]]:
    """Every topic, by somebody who may read it."""
    groups: dict[str, list[str]] = {DOWNSTREAM: list(EVENT_TOPICS)}
    for topic in TOPICS:
        if topic.kind is not Kind.EVENT:
            groups.setdefault(topic.readers[0], []).append(topic.name)
    return groups


def nothing_on_topics_once_trimmed(stack: Stack, values: list[str]) -> bool:
    """When the lanes have committed what they handled, and as if the last caller had gone home."""

    async def gone() -> bool:
        await asyncio.to_thread(trim, broker.admin(stack.state), TOPICS, time.time() + REPLY_SECONDS)
        return not await topics_holding(stack, values)

    async def wait() -> None:
        await eventually(gone, "nothing is left on any topic")

    asyncio.run(wait())
    return True


def logs_holding(processes: Iterable[ServiceProcess], values: Iterable[str]) -> list[str]:
    text = b"\n".join(process.log.read_bytes() for process in processes)
    assert b"staff.provision" in text
    return [value for value in values if value.encode() in text]


def test_a_stored_fingerprint_cannot_be_found_by_trying_numbers(api: Api, stack: Stack) -> None:
    """What was sent is recognised by an HMAC; its key is in no database."""
    phone = mobile()
    assert api.call("POST", "/api/v1/activation", json={"phone": phone}).status_code == 202
    sent = b"activation.request\0" + RequestActivation(phone=phone).model_dump_json().encode()
    key = MasterKey(stack.state.secrets["staffing_master_key"]).fingerprint_keys[0]
    stored: LiteralString = "SELECT count(*) FROM replies WHERE body_sha256 = %s"
    tables = Tables(stack, "staffing")

    assert tables.value(stored, hmac.digest(key, sent, "sha256")) == 1
    assert tables.value(stored, hashlib.sha256(sent).digest()) == 0
