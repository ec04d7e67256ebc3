"""Questions about access: may they, where do I belong, let me work there; and a tenant's registry of roles.

Who asks about somebody else and may not, finds nothing: neither that they are a member nor that the tenant exists.
"""

from dataclasses import replace

from contracts.access import (
    Action,
    CheckAccess,
    ChooseContext,
    ContextView,
    ListMyMemberships,
    ListRoles,
    RolePage,
    SealedContext,
)
from contracts.credentials import Purpose
from contracts.failures import Code
from contracts.message import Chosen, Query
from services.chassis import Call, Outcome, Read, Refusal, Reply
from services.chassis.queries import QueryHandler
from services.staffing.access import gate
from services.staffing.access.admission import account_of, explained
from services.staffing.access.facts import load_facts, with_branches
from services.staffing.access.verdict import decide, decide_context
from services.staffing.credentials.session import Tokens
from services.staffing.my_memberships import load_my_memberships
from services.staffing.provisioning.checks import refuse
from services.staffing.scope import scoped
from services.staffing.store import live_sessions, load_tenants
from services.wire.sealing import Sealer

_ENDED = Refusal(Code.TOKEN_INVALID, "the session is over")
_NO_STAFF = Refusal(Code.PERMISSION_DENIED, "only with a token of staff")


class AccessQuestions:
    """Knows the issuer of staff tokens, and how to sign and seal one."""

    def __init__(self, staff_issuer: str, tokens: Tokens, sealer: Sealer) -> None:
        self._staff_issuer, self._tokens, self._sealer = staff_issuer, tokens, sealer

    def handlers(self) -> dict[type[Query], QueryHandler]:
        handlers: dict[type[Query], QueryHandler] = {
            CheckAccess: self.check_access,
            ListMyMemberships: self.list_my_memberships,
            ChooseContext: self.choose_context,
            ListRoles: self.list_roles,
        }
        return scoped(handlers, self._staff_issuer)

    async def check_access(self, query: CheckAccess, call: Call, read: Read) -> Outcome:
        caller, everybodys = account_of(call.actor, self._staff_issuer), call.actor.holds_any(gate.READERS)
        account_id = query.account_id or caller
        if account_id is None:
            return refuse(Code.VALIDATION_FAILED, "/account_id", "whose?") if everybodys else Refusal(Code.NOT_FOUND)
        own = account_id == caller
        if not own and not everybodys:
            refused = await gate.refused(Action.STAFF_READ, query.tenant_id, call.actor, self._staff_issuer, read)
            if refused:
                return refused if refused.code is Code.TOKEN_INVALID else Refusal(Code.NOT_FOUND)
        facts = await load_facts(read, query.tenant_id, account_id, call.actor if own else None)
        if facts.session_over:
            return _ENDED
        if facts.member is None and not own and not everybodys:
            return Refusal(Code.NOT_FOUND)
        facts = await with_branches(facts, read, account_id)
        return Reply(200, decide(facts, query.action, query.branch_id).view())

    async def list_my_memberships(self, _: ListMyMemberships, call: Call, read: Read) -> Outcome:
        account_id = account_of(call.actor, self._staff_issuer)
        if account_id is None:
            return _NO_STAFF
        if call.actor.session_id and not await live_sessions(read, [call.actor.session_id]):
            return _ENDED
        return Reply(200, await load_my_memberships(read, account_id))

    async def choose_context(self, query: ChooseContext, call: Call, read: Read) -> Outcome:
        account_id = account_of(call.actor, self._staff_issuer)
        if account_id is None or call.actor.session_id is None:
            return _NO_STAFF
        facts = await load_facts(read, query.tenant_id, account_id, call.actor)
        facts = await with_branches(replace(facts, chosen=None), read, account_id)  # an earlier choice decides nothing
        verdict = decide_context(facts, query.branch_id)
        if verdict.code or facts.member is None:
            return explained(verdict) or Refusal(Code.NO_MEMBERSHIP)
        chosen = Chosen(tenant_id=query.tenant_id, branch_id=verdict.branch_id, since=facts.member.since)
        token, seconds = self._tokens.choose(call.actor, chosen, call.now)
        context = ContextView(
            access_token=token, expires_in=seconds, tenant_id=query.tenant_id, branch_id=verdict.branch_id
        )
        sealed = self._sealer.seal(context.model_dump_json(), Purpose.CONTEXT, call.actor.subject)
        return Reply(200, SealedContext(sealed=sealed))

    async def list_roles(self, query: ListRoles, call: Call, read: Read) -> Outcome:
        refused = await gate.refused(Action.ROLE_READ, query.tenant_id, call.actor, self._staff_issuer, read)
        if refused:
            return refused
        tenant = (await load_tenants(read, [query.tenant_id], lock=False))[query.tenant_id]
        return Reply(200, RolePage(data=tenant.role_views()))
