"""Activation and sessions over HTTP.

Passwords and codes are sealed before they leave this process, and the tokens of a session are opened only here
(`services/gateway/secrets.py`).
"""

from contracts.credentials import (
    CloseSession,
    Login,
    OpenSession,
    Purpose,
    RefreshSession,
    RequestActivation,
    Session,
    Verification,
    VerifyActivation,
)
from services.gateway.peer import ANYBODY
from services.gateway.routing import Routes
from services.gateway.secrets import Exchanged, Sealed

ACTIVATION, SESSIONS = "/api/v1/activation", "/api/v1/sessions"
VERIFICATION = Sealed(Verification, {"code": Purpose.CODE, "password": Purpose.PASSWORD})
LOGIN = Sealed(Login, {"password": Purpose.PASSWORD}, reply=Purpose.SESSION)

routes = Routes()
routes.command("POST", ACTIVATION, RequestActivation, None, 202, anonymous=ANYBODY)
routes.command("POST", f"{ACTIVATION}/verify", VerifyActivation, None, 204, anonymous=ANYBODY, sealed=VERIFICATION)
routes.command("POST", SESSIONS, OpenSession, Session, 201, anonymous=ANYBODY, sealed=LOGIN)
routes.command("POST", f"{SESSIONS}/refresh", RefreshSession, Session, anonymous=ANYBODY, sealed=Exchanged())
routes.command("DELETE", SESSIONS, CloseSession, None, 204)
