"""A person with a phone: the code comes by SMS, the password is theirs alone."""

import re
import secrets
import time

from deploy.demo.walk import UnexpectedAnswer, Walk

API = "/api/v1"


def new_phone() -> str:
    """A valid Cambodian mobile number that nobody here has yet."""
    return f"+85512{secrets.randbelow(900_000) + 100_000}"


def activate(walk: Walk, who: str, phone: str) -> dict[str, str]:
    """Nobody but the person ever knows the password: a code by SMS, then a session; returns its tokens."""
    password = secrets.token_urlsafe(16)
    with walk.step(f"{who} asks for a code and gets it by SMS"):
        walk.call("POST", f"{API}/activation", None, 202, {"phone": phone})
        code = _code(walk, phone)
    with walk.step(f"{who} sets a password with it and logs in"):
        walk.call("POST", f"{API}/activation/verify", None, 204, {"phone": phone, "code": code, "password": password})
        session = walk.call("POST", f"{API}/sessions", None, 201, {"phone": phone, "password": password})
    return {name: str(session[name]) for name in ("access_token", "refresh_token")}


def _code(walk: Walk, phone: str) -> str:
    """The newest code the fake SMS provider took for this number; it comes after the commit, so it is looked for."""
    url = f"{walk.state.url('sms')}/v1/messages"
    headers = {"Authorization": f"Bearer {walk.state.secrets['sms_token']}"}
    for _ in range(50):
        answer = walk.http.get(url, params={"to": phone}, headers=headers)
        for message in answer.raise_for_status().json()["data"]:
            if found := re.search(r"\b\d{6}\b", message["body"]):
                return found[0]
        time.sleep(0.1)
    raise UnexpectedAnswer(f"no code for {phone} arrived")
