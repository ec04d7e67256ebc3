"""Credentials belong to the person: a code to their phone, a password of their choice, a session.

Every answer is the same for a phone that is known and one that is not (P9), and no secret is in an event, a stored
reply or a log: the session's tokens travel sealed.
"""

from contracts.credentials import OpenSession, Purpose, RequestActivation, SealedSession, VerifyActivation
from contracts.failures import Code
from contracts.message import Command
from services.chassis import Call, Outcome, Refusal, Reply
from services.chassis.commands import Handler
from services.staffing.ledger import Ledger
from services.staffing.otp import Verdict

_REFUSED = {Verdict.WRONG: Code.OTP_INVALID, Verdict.EXHAUSTED: Code.OTP_ATTEMPTS_EXCEEDED}


def request_activation(_: RequestActivation, call: Call, ledger: Ledger) -> Outcome:
    phone = ledger.attempts[call.message_id].phone
    account = ledger.account(phone)
    if phone and account is None:
        ledger.prompts.challenge(phone, None, call.now)
    facts = [ledger.prompts.send_code(account, None, call.now)] if account else []
    return Reply(202, None, facts)


def verify_activation(_: VerifyActivation, call: Call, ledger: Ledger) -> Outcome:
    attempt = ledger.attempts[call.message_id]
    if not attempt.fits_policy:
        return Refusal(Code.PASSWORD_POLICY)
    verdict = ledger.judge(attempt, call.now)
    account = ledger.account(attempt.phone)
    if verdict is not Verdict.RIGHT or account is None or attempt.new_hash is None:
        return Refusal(_REFUSED.get(verdict, Code.OTP_INVALID))
    if account.is_active:
        ledger.recovered.add(account.id)
    ledger.hashes[account.id] = attempt.new_hash
    return Reply(204, None, [account.activate(call)])


def open_session(command: OpenSession, call: Call, ledger: Ledger) -> Outcome:
    attempt = ledger.attempts[call.message_id]
    account = ledger.account(attempt.phone)
    if account is None or attempt.proven_hash is None or ledger.hashes.get(account.id) != attempt.proven_hash:
        return Refusal(Code.AUTH_REQUIRED, "the phone number or the password is not right")
    session, tokens = ledger.tokens.open(account.id, call.now)
    ledger.sessions.append(session)
    sealed = ledger.sealer.seal(tokens.model_dump_json(), Purpose.SESSION, command.phone)
    return Reply(201, SealedSession(sealed=sealed), [account.open_session(session.id)])


HANDLERS: dict[type[Command], Handler] = {
    RequestActivation: request_activation,
    VerifyActivation: verify_activation,
    OpenSession: open_session,
}
