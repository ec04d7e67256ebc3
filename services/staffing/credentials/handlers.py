"""Credentials belong to the person: a code to their phone, a password of their choice.

Every answer is the same for a phone that is known and one that is not (P9), and no secret is in an event, a stored
reply or a log. A person who is disabled is answered like a stranger, until they prove to hold the phone.
"""

from uuid_utils.compat import uuid7

from contracts.credentials import (
    ActivationUnanswered,
    CloseSession,
    OpenSession,
    RefreshSession,
    RequestActivation,
    VerifyActivation,
)
from contracts.failures import Code
from contracts.message import Command
from services.chassis import Call, Fact, Outcome, Refusal, Reply
from services.chassis.commands import Handler
from services.staffing.credentials.ledger import Ledger
from services.staffing.credentials.otp import Verdict
from services.staffing.credentials.sessions import close_session, open_session, refresh_session

_REFUSED = {Verdict.WRONG: Code.OTP_INVALID, Verdict.EXHAUSTED: Code.OTP_ATTEMPTS_EXCEEDED}


def request_activation(_: RequestActivation, call: Call, ledger: Ledger) -> Outcome:
    refused = ledger.prompts.caps.ask(ledger.caps[call.message_id], call.now)
    if refused:
        return refused
    phone = ledger.attempts[call.message_id].phone
    account = ledger.account(phone)
    if account and not account.is_disabled:
        return Reply(202, None, [ledger.prompts.send_code(account, None, call.now)])
    decoy = ledger.prompts.challenge(phone, None, call.now).id if phone else None
    return Reply(202, None, [Fact("activation", decoy or uuid7(), 1, ActivationUnanswered(challenge_id=decoy))])


def verify_activation(_: VerifyActivation, call: Call, ledger: Ledger) -> Outcome:
    attempt = ledger.attempts[call.message_id]
    if attempt.weaknesses:
        return Refusal(Code.PASSWORD_POLICY, extra={"reasons": attempt.weaknesses})
    verdict = ledger.judge(attempt, call.now)
    account = ledger.account(attempt.phone)
    if verdict is not Verdict.RIGHT or account is None or attempt.new_hash is None:
        return Refusal(_REFUSED.get(verdict, Code.OTP_INVALID))
    if account.is_disabled:
        return Refusal(Code.ACCOUNT_DISABLED)
    if account.is_active:
        ledger.recover(account.id, call.now)
    ledger.hashes[account.id] = attempt.new_hash
    return Reply(204, None, account.activate(call))


HANDLERS: dict[type[Command], Handler] = {
    RequestActivation: request_activation,
    VerifyActivation: verify_activation,
    OpenSession: open_session,
    RefreshSession: refresh_session,
    CloseSession: close_session,
}
