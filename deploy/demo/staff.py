"""The shop's journey: an owner, three branches, a manager and a cashier, a shift, and the end of it."""

from typing import Any

from deploy.demo.person import API, activate, new_phone
from deploy.demo.walk import Walk


def onboard_staff(walk: Walk) -> str:
    """Walk a tenant from its first owner to a cashier who is locked out again; returns the tenant's id."""
    walk.title("An owner builds a staff")
    owner_phone = new_phone()
    with walk.step("a root admin opens a tenant with its owner"):
        admin = walk.token("root-admin-1", "RoleRootAdmin")
        owner_named = {"phone": owner_phone, "display_name": "Sokha Chan"}
        body = {"name": f"Café Lumière {walk.run}", "region": "KH", "owner": owner_named}
        tenant = walk.call("POST", f"{API}/tenants", admin, 201, body)
    owner = activate(walk, "the owner", owner_phone)["access_token"]
    base = f"{API}/tenants/{tenant['id']}"
    with walk.step("the owner opens three branches"):
        names = ("Riverside", "Market", "Airport")
        branches = {name: walk.call("POST", f"{base}/branches", owner, 201, {"name": name})["id"] for name in names}
    _add_manager(walk, owner, base, list(branches.values()))
    _work_and_leave(walk, owner, base, branches)
    return str(tenant["id"])


def _add_manager(walk: Walk, owner: str, base: str, branches: list[str]) -> None:
    manager: dict[str, Any] = {
        "phone": new_phone(),
        "display_name": "Dara Kim",
        "role_key": "MANAGER",
        "branch_ids": branches[:2],
        "notify": "sms",
    }
    with walk.step("no branch, no staff; an unknown role is refused"):
        walk.refused("POST", f"{base}/staff", owner, "BRANCH_REQUIRED", {**manager, "branch_ids": []})
        walk.refused("POST", f"{base}/staff", owner, "ROLE_KEY_INVALID", {**manager, "role_key": "EMPEROR"})
    with walk.step("a dry run says what the call would do"):
        plan = walk.call("POST", f"{base}/staff?dry_run=true", owner, 200, manager)
    walk.note(f"{plan['outcome']}: {', '.join(event['type'] for event in plan['events'])}")
    with walk.step("one call does it: identity, membership, profile and both branches"):
        added = walk.call("POST", f"{base}/staff", owner, 201, manager, if_match=plan["etag"])
    role, count = added["membership"]["role_key"], len(added["branches"])
    walk.note(
        f"{added['profile']['display_name']} is {role} of {count} branches, SMS {added['notification']['status']}"
    )
    with walk.step("the same call again changes nothing; other facts are refused with a diff"):
        again = walk.call("POST", f"{base}/staff", owner, 200, manager)
        walk.note(f"outcome {again['outcome']}")
        walk.refused("POST", f"{base}/staff", owner, "STAFF_ALREADY_EXISTS", {**manager, "role_key": "CASHIER"})


def _work_and_leave(walk: Walk, owner: str, base: str, branches: dict[str, str]) -> None:
    walk.title("A cashier works, and is gone")
    tenant_id, phone = base.rsplit("/", 1)[1], new_phone()
    with walk.step("the owner defines a role and adds a cashier to two branches"):
        barista = {"role_key": "BARISTA", "level": 20, "permissions": ["branch.work", "sale.create"]}
        walk.call("POST", f"{base}/roles", owner, 201, barista)
        person = {"phone": phone, "display_name": "Bopha Lim", "role_key": "BARISTA", "notify": "none"}
        at = [branches["Riverside"], branches["Market"]]
        cashier = walk.call("POST", f"{base}/staff", owner, 201, {**person, "branch_ids": at})
    tokens = activate(walk, "the cashier", phone)
    token = tokens["access_token"]
    with walk.step("two branches: the cashier must choose one, and never one that is not theirs"):
        walk.refused("POST", f"{API}/me/context", token, "BRANCH_CONTEXT_REQUIRED", {"tenant_id": tenant_id})
        elsewhere = {"tenant_id": tenant_id, "branch_id": branches["Airport"]}
        walk.refused("POST", f"{API}/me/context", token, "NO_BRANCH_ACCESS", elsewhere)
        here = {"tenant_id": tenant_id, "branch_id": branches["Riverside"]}
        context = walk.call("POST", f"{API}/me/context", token, 200, here)["access_token"]
    with walk.step("may they sell here? and over there?"):
        sale = {"tenant_id": tenant_id, "action": "sale.create"}
        for name in ("Riverside", "Airport"):
            asked = walk.call("POST", f"{API}/access/check", context, 200, {**sale, "branch_id": branches[name]})
            walk.note(f"{name}: {asked['decision']} {asked['reason']}")
    with walk.step("the owner revokes the cashier"):
        path = f"{base}/staff/{cashier['account_id']}/revoke"
        walk.call("POST", path, owner, 200, {"reason": "the shift is over"}, if_match=cashier["etag"])
    with walk.step("on the very next request every token is dead"):
        walk.refused("POST", f"{API}/me/context", token, "TOKEN_INVALID", here)
        walk.refused("POST", f"{API}/access/check", context, "TOKEN_INVALID", sale)
        refresh = {"refresh_token": tokens["refresh_token"]}
        walk.refused("POST", f"{API}/sessions/refresh", None, "TOKEN_INVALID", refresh)
