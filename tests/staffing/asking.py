"""Questions to the staffing service on the real database, by people with and without sessions, and what changes."""

from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID, uuid4

import jwt
from uuid_utils.compat import uuid7

from contracts.access import DefineRole
from contracts.message import Actor, Chosen, Context, Query
from contracts.staff_changes import ChangeRole, MemberCommand, RemoveBranch, RevokeStaff
from services.chassis import Call, Outcome, Read, Refusal, Reply
from services.staffing.access.queries import AccessQuestions
from services.staffing.credentials.session import Tokens
from services.staffing.queries import Questions
from tests.staffing.office import STAFF_ISSUER, Office, Shop, staff


class Desk:
    """Asks as one person."""

    def __init__(self, office: Office) -> None:
        settings = office.settings
        tokens = Tokens(settings.staff_issuer, settings.staff_audience, settings.staff_signing_key.get_secret_value())
        self.engine, self.handlers = office.engine, Questions(STAFF_ISSUER).handlers()
        self.handlers |= AccessQuestions(STAFF_ISSUER, tokens, office.sealer).handlers()

    async def ask(self, query: Query, actor: Actor) -> Outcome:
        call = Call(actor, Context(request_id="r", command_id=uuid4()), uuid7(), datetime.now(UTC))
        async with self.engine.connect() as connection:
            return await self.handlers[type(query)](query, call, Read(connection))


def body(outcome: Outcome) -> Any:
    assert isinstance(outcome, Reply), outcome
    assert outcome.body is not None
    return outcome.body


def code(outcome: Outcome) -> str:
    assert isinstance(outcome, Refusal), outcome
    return str(outcome.code)


class Changes:
    """What the owner of a shop takes away from somebody, or gives, by the commands for it."""

    def __init__(self, office: Office, shop: Shop) -> None:
        self._office, self._shop = office, shop

    async def end_membership(self, person: Actor) -> None:
        await self._tell(RevokeStaff, person)

    async def take_branch(self, person: Actor, branch_id: UUID) -> None:
        await self._tell(RemoveBranch, person, branch_id=branch_id)

    async def give_role(self, person: Actor, role_key: str) -> None:
        await self._tell(ChangeRole, person, role_key=role_key)

    async def define_role(self, role_key: str, level: int, *permissions: str) -> None:
        role = DefineRole(tenant_id=self._shop.tenant_id, role_key=role_key, level=level, permissions=permissions)
        answer = await self._office.tell(role, self._shop.owner)
        assert answer.status == 201, answer

    def since(self, person: Actor) -> datetime:
        """When their membership's current period began."""
        began: LiteralString = "SELECT active_since FROM staff_profiles WHERE tenant_id = %s AND account_id = %s"
        moment: datetime = self._office.tables.value(began, self._shop.tenant_id, person.subject)
        return moment

    async def _tell(self, change: type[MemberCommand], person: Actor, **fields: Any) -> None:
        seen: LiteralString = "SELECT version FROM memberships WHERE tenant_id = %s AND account_id = %s"
        named = {
            "tenant_id": self._shop.tenant_id,
            "account_id": UUID(person.subject),
            "expected_version": self._office.tables.value(seen, self._shop.tenant_id, person.subject),
        }
        answer = await self._office.tell(change(**named, **fields), self._shop.owner)
        assert answer.status == 200, answer


async def logged_in(office: Office, phone: str) -> Actor:
    """The holder of this phone as the gateway sees their token, good for ten minutes."""
    await office.activate(phone)
    return await logged_in_again(office, phone)


async def logged_in_again(office: Office, phone: str) -> Actor:
    """Somebody who has a password already."""
    return shown(office.opened(await office.log_in(phone), phone).access_token)


def shown(token: str) -> Actor:
    """What the gateway reads from a token of ours."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return staff(claims["sub"]).model_copy(
        update={
            "session_id": UUID(claims["sid"]),
            "chosen": Chosen.model_validate_json(claims["ctx"]) if "ctx" in claims else None,
            "token_expires_at": datetime.fromtimestamp(claims["exp"], UTC),
        }
    )


def end_session(office: Office, person: Actor) -> None:
    with office.tables.connection() as tables:
        tables.execute("UPDATE sessions SET revoked_at = now() WHERE id = %s", (person.session_id,))
