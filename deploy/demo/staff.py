"""The shop's journey: a tenant, its owner by OTP, two branches, a manager in one call."""

import re
import secrets
import time

from deploy.demo.walk import UnexpectedAnswer, Walk

API = "/api/v1"


def onboard_staff(walk: Walk) -> str:
    """Walk a tenant to its first manager; returns the tenant's id."""
    walk.title("An owner adds a manager to two branches")
    owner_phone, manager_phone = _phone(), _phone()
    with walk.step("a root admin opens a tenant with its owner"):
        admin = walk.token("root-admin-1", "RoleRootAdmin")
        body = {
            "name": f"Café Lumière {walk.run}",
            "region": "KH",
            "owner": {"phone": owner_phone, "display_name": "Sokha Chan"},
        }
        tenant = walk.call("POST", f"{API}/tenants", admin, 201, body)
    owner = _activate(walk, owner_phone)
    base = f"{API}/tenants/{tenant['id']}"
    with walk.step("the owner opens two branches"):
        branches = [
            walk.call("POST", f"{base}/branches", owner, 201, {"name": name})["id"] for name in ("Riverside", "Market")
        ]
    manager = {
        "phone": manager_phone,
        "display_name": "Dara Kim",
        "role_key": "MANAGER",
        "branch_ids": branches,
        "notify": "sms",
    }
    with walk.step("no branch, no staff; an unknown role is refused"):
        walk.refused("POST", f"{base}/staff", owner, "BRANCH_REQUIRED", {**manager, "branch_ids": []})
        walk.refused("POST", f"{base}/staff", owner, "ROLE_KEY_INVALID", {**manager, "role_key": "EMPEROR"})
    with walk.step("one call: identity, membership, profile and both branches"):
        added = walk.call("POST", f"{base}/staff", owner, 201, manager)
    role, count = added["membership"]["role_key"], len(added["branches"])
    walk.note(
        f"{added['profile']['display_name']} is {role} of {count} branches, SMS {added['notification']['status']}"
    )
    with walk.step("the same call again changes nothing"):
        again = walk.call("POST", f"{base}/staff", owner, 200, manager)
    walk.note(f"outcome {again['outcome']}")
    return str(tenant["id"])


def _activate(walk: Walk, phone: str) -> str:
    """Nobody but the person ever knows the password: a code by SMS, then a session."""
    password = secrets.token_urlsafe(16)
    with walk.step("the owner asks for a code and gets it by SMS"):
        walk.call("POST", f"{API}/activation", None, 202, {"phone": phone})
        code = _code(walk, phone)
    with walk.step("the owner sets a password with it and logs in"):
        walk.call("POST", f"{API}/activation/verify", None, 204, {"phone": phone, "code": code, "password": password})
        session = walk.call("POST", f"{API}/sessions", None, 201, {"phone": phone, "password": password})
    return str(session["access_token"])


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


def _phone() -> str:
    """A valid Cambodian mobile number that nobody here has yet."""
    return f"+85512{secrets.randbelow(900_000) + 100_000}"
