"""A session goes on by refresh tokens that are good once, and ends by logout, by reuse or with the password.

Whatever is wrong with a token, its bearer hears the same: TOKEN_INVALID.
"""

from contracts.credentials import CloseSession, OpenSession, Purpose, RefreshSession, SealedSession, SessionEnd
from contracts.credentials import Session as SessionView
from contracts.failures import Code
from services.chassis import Call, Outcome, Refusal, Reply
from services.staffing.credentials.ledger import Ledger


def open_session(command: OpenSession, call: Call, ledger: Ledger) -> Outcome:
    attempt = ledger.attempts[call.message_id]
    account = ledger.account(attempt.phone)
    if account is None or attempt.proven_hash is None or ledger.hashes.get(account.id) != attempt.proven_hash:
        return Refusal(Code.AUTH_REQUIRED, "the phone number or the password is not right")
    if account.is_disabled:
        return Refusal(Code.ACCOUNT_DISABLED)
    session, tokens = ledger.open_session(account.id, call.now)
    return Reply(201, _sealed(ledger, tokens, command.phone), [account.open_session(session.id)])


def refresh_session(command: RefreshSession, call: Call, ledger: Ledger) -> Outcome:
    token = ledger.refresh_tokens.get(bytes.fromhex(command.refresh_sha256))
    session = ledger.sessions.get(token.session_id) if token else None
    if token is None or session is None or not session.is_alive(call.now):
        return Refusal(Code.TOKEN_INVALID, "the session is over")
    account = ledger.people[session.account_id]
    if token.used_at:
        session.end(call.now)
        ended = account.end_session(session.id, SessionEnd.REUSED)
        return Refusal(Code.TOKEN_INVALID, "the session is over", facts=(ended,))
    token.used_at = call.now
    tokens = ledger.issue(session, call.now)
    return Reply(200, _sealed(ledger, tokens, command.refresh_sha256), [account.refresh_session(session.id)])


def close_session(_: CloseSession, call: Call, ledger: Ledger) -> Outcome:
    if call.actor.session_id is None:
        return Refusal(Code.PERMISSION_DENIED, "only the token of a session can end it")
    session = ledger.sessions.get(call.actor.session_id)
    if session is None or not session.is_alive(call.now):
        return Refusal(Code.TOKEN_INVALID, "the session is over")
    session.end(call.now)
    return Reply(204, None, [ledger.people[session.account_id].end_session(session.id, SessionEnd.CLOSED)])


def _sealed(ledger: Ledger, tokens: SessionView, asker: str) -> SealedSession:
    """Opens only for the call that it answers."""
    return SealedSession(sealed=ledger.sealer.seal(tokens.model_dump_json(), Purpose.SESSION, asker))
