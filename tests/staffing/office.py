"""Both command lanes of staffing on the real database, fed with signed records as the gateway would send them.

Every batch goes through the chassis' own processor: claim, load, decide, save, events and replies in one transaction.
"""

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any, LiteralString
from uuid import UUID, uuid4

import jwt
import orjson
from aiokafka import AIOKafkaProducer, ConsumerRecord
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.credentials import OpenSession, Purpose, RefreshSession, RequestActivation, Session, VerifyActivation
from contracts.message import Actor, ActorType, Command
from contracts.provisioning import ProvisionStaff
from contracts.staffing import COMMANDS, CREDENTIALS, CreateBranch, CreateTenant, Owner
from deploy.local.stack import Stack
from services.chassis import Desk
from services.chassis.commands import CommandProcessor
from services.chassis.outbox import Relay
from services.exports.desk import ExportDesk
from services.exports.wiring import rules_of
from services.staffing.credentials.attempts import Gatherer
from services.staffing.credentials.caps import OtpLimits, Scope
from services.staffing.credentials.desk import credential_desk
from services.staffing.credentials.otp import Otp
from services.staffing.credentials.passwords import Passwords
from services.staffing.credentials.session import Tokens
from services.staffing.datasets import DATASETS
from services.staffing.desk import staffing_desk
from services.staffing.settings import StaffingSettings
from services.wire.actor import public_key
from services.wire.allowlist import Allowlist
from services.wire.envelope import Opener
from services.wire.personal import MasterKey
from services.wire.sealing import Sealer
from tests.support import RawRecord, command_record, root_admin
from tests.support.tables import KeptTables

GOOD_PASSWORD = "correct horse battery"
STAFF_ISSUER = "gatehouse-staff"
ANYBODY = Actor(type=ActorType.USER, subject="anonymous")


class UnansweredError(Exception):
    """The command was given up; nothing was committed for it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One stored reply and the events that were committed with it, in the order of their rows."""

    status: int
    body: Any
    etag: str | None
    location: str | None
    events: list[dict[str, Any]]

    @property
    def code(self) -> str | None:
        return self.body["code"] if self.status >= 400 else None

    @property
    def told(self) -> list[str]:
        return [event["type"] for event in self.events]

    def data(self, kind: str) -> dict[str, Any]:
        """The data of the one event of this type."""
        (event,) = [event for event in self.events if event["type"] == kind]
        return dict(event["data"])


_numbers = count(uuid4().int % (3 * 10**8))


@dataclass(frozen=True, slots=True)
class Shop:
    """A tenant with two branches, and its owner."""

    tenant_id: UUID
    owner: Actor
    owner_phone: str
    branches: tuple[UUID, UUID]


def staff(account_id: UUID | str) -> Actor:
    return Actor(type=ActorType.STAFF, issuer=STAFF_ISSUER, subject=str(account_id))


def bearer(session: Session) -> Actor:
    """Who the gateway sees behind an access token."""
    claims = jwt.decode(session.access_token, options={"verify_signature": False})
    return staff(claims["sub"]).model_copy(update={"session_id": UUID(claims["sid"])})


def new_phone() -> str:
    """A mobile number that no other test has: the next of 300 million German ones."""
    drawn = next(_numbers)
    return f"+4915{drawn // 10**8 % 3}{drawn % 10**8:08}"


def new_local_phone() -> tuple[str, str]:
    """A Cambodian mobile number, international and national."""
    subscriber = f"96{uuid4().int % 10**7:07}"
    return f"+855{subscriber}", f"0{subscriber}"


class Office:
    """`tell` puts commands through in one batch; shortcuts below it make the usual people and places."""

    def __init__(self, stack: Stack, engine: AsyncEngine, producer: AIOKafkaProducer) -> None:
        self.stack, self.engine, self.tables = stack, engine, KeptTables(stack, "staffing")
        self._before = self.tables.value("SELECT COALESCE(max(id), 0) FROM outbox")
        self.settings = StaffingSettings(_env_file=stack.home.settings("staffing"))  # type: ignore[call-arg]
        self.otp = Otp(self.settings.otp_pepper.get_secret_value())
        self.sealer = Sealer(self.settings.credential_key.get_secret_value())
        self.master = MasterKey(self.settings.personal_master_key.get_secret_value())
        self.root = root_admin(stack)
        self.took = 0.0
        self._passwords = Passwords()
        self._producer, self._offset = producer, 0
        self._allowlist = Allowlist(self.settings.oidc_issuer, "", self.settings.root_admin_subjects_file)
        signing_key = self.settings.staff_signing_key.get_secret_value()
        self._tokens = Tokens(self.settings.staff_issuer, self.settings.staff_audience, signing_key)
        self._limits = OtpLimits.of(self.settings)
        self._exports = ExportDesk(self.engine, rules_of(DATASETS, self.settings))
        self._make_desks(self._limits)

    def _make_desks(self, limits: OtpLimits) -> None:
        gather = Gatherer(self.engine, self.sealer, self.otp, self._passwords)
        self.desks = {
            COMMANDS: staffing_desk(
                self._allowlist, self.settings.staff_issuer, self.otp, limits, self.master, self._exports
            ),
            CREDENTIALS: credential_desk(gather, self.sealer, self.otp, self._tokens, limits),
        }

    def close(self) -> None:
        """No relay runs here, and a service that starts later need not publish what was told here."""
        self._passwords.close()
        told: LiteralString = "UPDATE outbox SET published_at = now() WHERE published_at IS NULL AND id > %s"
        with self.tables.connection() as tables:
            tables.execute(told, (self._before,))
        self.tables.close()

    def limited(self, cooldown: float = 0, **hourly: int) -> None:
        """From now on with these caps an hour (`phone`, `ip`, `tenant`, `country`); the others stay generous.

        Addresses and countries are shared with other tests, so all counters begin anew.
        """
        with self.tables.connection() as tables:
            tables.execute("DELETE FROM otp_counters")
        caps = self._limits.hourly | {Scope(scope): cap for scope, cap in hourly.items()}
        self._make_desks(OtpLimits(timedelta(seconds=cooldown), caps))

    def trust(self, master: MasterKey) -> None:
        """From now on people's keys are wrapped under this one."""
        self.master = master
        self._make_desks(self._limits)

    def processor(self, desk: Desk) -> CommandProcessor:
        types = {command.type: command for command in desk.handlers}
        key, fingerprints = public_key(self.settings.actor_public_key), self.master.fingerprint_keys
        opener = Opener("staffing", key, types, fingerprint_keys=fingerprints)
        return CommandProcessor(desk, opener, self.engine, self._producer, Relay(self.engine, self._producer, "/test"))

    async def tell(
        self, command: Command, actor: Actor, command_id: UUID | None = None, ip: str = "203.0.113.7"
    ) -> Answer:
        (answer,) = await self.tell_all((command, actor), command_id=command_id, ip=ip)
        return answer

    async def tell_all(
        self,
        *calls: tuple[Command, Actor],
        command_id: UUID | None = None,
        desk: Desk | None = None,
        ip: str = "203.0.113.7",
    ) -> list[Answer]:
        """All calls as one batch, so one transaction."""
        sent = [
            command_record(self.stack, command, actor, command_id=command_id, reply_partition=-1, ip=ip)
            for command, actor in calls
        ]
        before = self.tables.value("SELECT COALESCE(max(id), 0) FROM outbox")
        start = time.perf_counter()
        await self.processor(desk or self.desks[calls[0][0].topic])([self._received(record) for record in sent])
        self.took = time.perf_counter() - start
        events = self.events_since(before)
        return [self._answer(record, events[str(record.command_id)]) for record in sent]

    async def seconds_for(self, command: Command, actor: Actor, desk: Desk) -> float:
        """How long the service works on one call, and on nothing else."""
        record = self._received(command_record(self.stack, command, actor, reply_partition=-1))
        work = self.processor(desk)
        started = time.perf_counter()
        await work([record])
        return time.perf_counter() - started

    def _answer(self, record: RawRecord, events: list[dict[str, Any]]) -> Answer:
        statement: LiteralString = "SELECT * FROM replies WHERE message_id = %s OR (command_id = %s AND binding)"
        replies = self.tables.rows(statement, record.message_id, record.command_id)
        if not replies:
            raise UnansweredError
        reply = replies[0]
        body = orjson.loads(reply["body"]) if reply["body"] else None
        return Answer(reply["status"], body, reply["etag"], reply["location"], events)

    def events_since(self, before: int) -> dict[str, list[dict[str, Any]]]:
        """What subscribers will get, by command, in the order of the rows."""
        events: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in self.tables.rows("SELECT value FROM outbox WHERE id > %s ORDER BY id", before):
            event = orjson.loads(row["value"])
            events[event["context"]["command_id"]].append(event)
        return events

    @contextmanager
    def statements(self, seen: list[str]) -> Iterator[None]:
        """Collect every statement that the service sends meanwhile."""

        def listen(*args: Any) -> None:
            seen.append(args[2])

        event.listen(self.engine.sync_engine, "before_cursor_execute", listen)
        try:
            yield
        finally:
            event.remove(self.engine.sync_engine, "before_cursor_execute", listen)

    def counts(self) -> dict[str, int]:
        """Rows of every table that holds facts."""
        tables: Sequence[LiteralString] = (
            "tenants",
            "tenant_roles",
            "branches",
            "accounts",
            "memberships",
            "staff_profiles",
            "branch_assignments",
            "otp_challenges",
            "sessions",
            "notifications",
        )
        return {table: self.tables.value(f"SELECT count(*) FROM {table}") for table in tables}

    def _received(self, record: RawRecord) -> "ConsumerRecord[bytes, bytes]":
        self._offset += 1
        value = record.value or b""
        return ConsumerRecord(
            record.topic,
            0,
            self._offset,
            0,
            0,
            record.key,
            value,
            None,
            0,
            len(value),
            record.headers,
        )

    async def open_shop(self, region: str = "KH") -> Shop:
        """A tenant with two active branches."""
        phone = new_phone()
        opened = await self.tell(tenant_named("Café Central", phone, region), self.root)
        assert opened.status == 201, opened
        tenant_id = UUID(opened.body["id"])
        owner = staff(opened.data("tenant.created")["owner_account_id"])
        first, second = await self.tell_all(
            (CreateBranch(tenant_id=tenant_id, name="Riverside"), owner),
            (CreateBranch(tenant_id=tenant_id, name="Old Market"), owner),
        )
        return Shop(tenant_id, owner, phone, (UUID(first.body["id"]), UUID(second.body["id"])))

    async def hire(self, shop: Shop, **changes: Any) -> Answer:
        return await self.tell(provision(shop, **changes), shop.owner)

    async def hired(self, shop: Shop, **changes: Any) -> Actor:
        """Somebody on the staff, as the actor of later calls."""
        answer = await self.hire(shop, **changes)
        assert answer.status == 201, answer
        return staff(answer.body["account_id"])

    def sealed_verification(self, phone: str, code: str, password: str) -> VerifyActivation:
        return VerifyActivation(
            phone=phone,
            sealed_code=self.sealer.seal(code, Purpose.CODE, phone),
            sealed_password=self.sealer.seal(password, Purpose.PASSWORD, phone),
        )

    def newest_code(self, phone: str) -> str:
        statement: LiteralString = (
            "SELECT id FROM otp_challenges WHERE phone_key = %s ORDER BY created_at DESC, id DESC LIMIT 1"
        )
        return self.otp.code(self.tables.value(statement, self.otp.phone_key(phone)))

    async def ask_for_code(self, phone: str) -> str:
        await self.tell(RequestActivation(phone=phone), ANYBODY)
        return self.newest_code(phone)

    async def verify(self, phone: str, code: str, password: str = GOOD_PASSWORD) -> Answer:
        return await self.tell(self.sealed_verification(phone, code, password), ANYBODY)

    async def activate(self, phone: str, password: str = GOOD_PASSWORD) -> None:
        answer = await self.verify(phone, await self.ask_for_code(phone), password)
        assert answer.status == 204, answer

    def login(self, phone: str, password: str) -> OpenSession:
        return OpenSession(phone=phone, sealed_password=self.sealer.seal(password, Purpose.PASSWORD, phone))

    async def log_in(self, phone: str, password: str = GOOD_PASSWORD) -> Answer:
        return await self.tell(self.login(phone, password), ANYBODY)

    async def signed_in(self, phone: str, password: str = GOOD_PASSWORD) -> tuple[Actor, Session]:
        """Somebody with a live session, as the gateway would see them."""
        session = self.opened(await self.log_in(phone, password), phone)
        return bearer(session), session

    async def refresh(self, session: Session, command_id: UUID | None = None) -> Answer:
        return await self.tell(RefreshSession(refresh_sha256=self.sha256(session.refresh_token)), ANYBODY, command_id)

    def sha256(self, token: str) -> str:
        """What the gateway sends of a refresh token."""
        return hashlib.sha256(token.encode()).hexdigest()

    def refreshed(self, answer: Answer, session: Session) -> Session:
        """The pair that followed `session`."""
        digest = self.sha256(session.refresh_token)
        return Session.model_validate_json(self.sealer.unseal(answer.body["sealed"], Purpose.SESSION, digest))

    def opened(self, answer: Answer, phone: str) -> Session:
        return Session.model_validate_json(self.sealer.unseal(answer.body["sealed"], Purpose.SESSION, phone))


def tenant_named(name: str, phone: str, region: str = "KH", display_name: str = "Sokha Owner") -> CreateTenant:
    return CreateTenant(name=name, region=region, owner=Owner(phone=phone, display_name=display_name))


def provision(shop: Shop, **changes: Any) -> ProvisionStaff:
    fields: dict[str, Any] = {
        "tenant_id": shop.tenant_id,
        "phone": new_phone(),
        "display_name": "Dara Cashier",
        "role_key": "CASHIER",
        "branch_ids": shop.branches,
    }
    return ProvisionStaff.model_validate(fields | changes)
