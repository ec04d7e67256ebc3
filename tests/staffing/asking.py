"""Questions to the staffing service on the real database, and changes of facts behind its back."""

from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID, uuid4

import jwt
from uuid_utils.compat import uuid7

from contracts.message import Actor, Chosen, Context, Query
from services.chassis import Call, Outcome, Read, Refusal, Reply
from services.staffing.access_queries import AccessQuestions
from services.staffing.queries import Questions
from services.staffing.session import Tokens
from tests.staffing.office import STAFF_ISSUER, Office, staff


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


_TAKE_BRANCHES: LiteralString = """
    UPDATE branch_assignments SET status = 'REMOVED', removed_at = now() WHERE tenant_id = %s AND account_id = %s
"""
_END_OF_MEMBERSHIP: tuple[LiteralString, ...] = (
    "UPDATE memberships SET status = 'REVOKED' WHERE tenant_id = %s AND account_id = %s",
    "UPDATE staff_profiles SET status = 'REVOKED', revoked_at = now() WHERE tenant_id = %s AND account_id = %s",
    _TAKE_BRANCHES,
)


class BehindTheBack:
    """Facts as other commands leave them, written straight into the tables."""

    def __init__(self, office: Office, tenant_id: UUID) -> None:
        self._office, self.tenant_id = office, tenant_id

    def end_membership(self, person: Actor) -> None:
        with self._office.tables.connection() as tables:
            for statement in _END_OF_MEMBERSHIP:
                tables.execute(statement, (self.tenant_id, person.subject))

    def take_branch(self, person: Actor, branch_id: UUID) -> None:
        with self._office.tables.connection() as tables:
            tables.execute(f"{_TAKE_BRANCHES} AND branch_id = %s", (self.tenant_id, person.subject, branch_id))

    def give_role(self, person: Actor, role_key: str) -> None:
        given: LiteralString = "UPDATE memberships SET role_key = %s WHERE tenant_id = %s AND account_id = %s"
        with self._office.tables.connection() as tables:
            tables.execute(given, (role_key, self.tenant_id, person.subject))

    def define_role(self, role_key: str, level: int, *permissions: str) -> None:
        defined: LiteralString = (
            "INSERT INTO tenant_roles (tenant_id, role_key, level, permissions) VALUES (%s, %s, %s, %s)"
        )
        with self._office.tables.connection() as tables:
            tables.execute(defined, (self.tenant_id, role_key, level, list(permissions)))

    def since(self, person: Actor) -> datetime:
        began: LiteralString = "SELECT active_since FROM staff_profiles WHERE tenant_id = %s AND account_id = %s"
        moment: datetime = self._office.tables.value(began, self.tenant_id, person.subject)
        return moment


async def logged_in(office: Office, phone: str) -> Actor:
    """The holder of this phone as the gateway sees their token, good for ten minutes."""
    await office.activate(phone)
    opened = office.opened(await office.log_in(phone), phone)
    return shown(opened.access_token)


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
