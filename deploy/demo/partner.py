"""The partner's journey: documents, application, review, approval."""

import hashlib
from typing import Any

from deploy.demo.documents import pdf
from deploy.demo.walk import Walk

API = "/api/v1"


def onboard_partner(walk: Walk) -> str:
    """Walk an applicant to APPROVED; returns the partner's id."""
    walk.title("A partner applies and is approved")
    subject = f"ada-{walk.run}"
    with walk.step("tokens for a partner administrator and a root admin"):
        applicant = walk.token(subject, "RolePartnerAdmin")
        reviewer = walk.token("root-admin-1", "RoleRootAdmin")
    keys = _upload_documents(walk, applicant)
    application = _application(walk, subject, keys)
    with walk.step("without a token, or with another role, nobody applies"):
        walk.refused("POST", f"{API}/partners", None, "AUTH_REQUIRED", application)
        walk.refused("POST", f"{API}/partners", reviewer, "ROLE_REQUIRED", application)
    with walk.step("the submitter must be in the roster"):
        stranger = {**application, "contacts": [{**application["contacts"][0], "subject": "someone-else"}]}
        walk.refused("POST", f"{API}/partners", applicant, "SUBMITTER_NOT_IN_ROSTER", stranger)
    with walk.step("the application is taken in"):
        partner = walk.call("POST", f"{API}/partners", applicant, 201, application)
    walk.note(f"partner {partner['id']} is {partner['state']}, dossier version {partner['dossier']['version']}")
    _decide(walk, partner, applicant, reviewer)
    return str(partner["id"])


def _upload_documents(walk: Walk, token: str) -> dict[str, str]:
    keys: dict[str, str] = {}
    partner_id = None
    for kind in ("kyb", "licensing"):
        document = pdf(f"{kind} of Acme OTC, run {walk.run}")
        wanted = {
            "kind": kind,
            "content_type": "application/pdf",
            "size": len(document),
            "sha256": hashlib.sha256(document).hexdigest(),
        }
        if partner_id:
            wanted["partner_id"] = partner_id
        with walk.step(f"{kind}.pdf goes to the store by a presigned PUT bound to its length, type and hash"):
            upload = walk.call("POST", f"{API}/uploads", token, 201, wanted)
            forged = walk.http.put(
                upload["upload_url"], content=document.replace(b"Acme", b"Evil"), headers=upload["headers"]
            )
            stored = walk.http.put(upload["upload_url"], content=document, headers=upload["headers"])
            stored.raise_for_status()
        walk.note(
            f"other bytes: {forged.status_code}; the announced ones: {stored.status_code}, {upload['object_key']}"
        )
        partner_id, keys[kind] = upload["partner_id"], upload["object_key"]
    return keys


def _application(walk: Walk, subject: str, keys: dict[str, str]) -> dict[str, Any]:
    return {
        "name": f"Acme OTC {walk.run}",
        "legal_name": "Acme OTC Trading Ltd",
        "kyb_object_key": keys["kyb"],
        "licensing_object_key": keys["licensing"],
        "contacts": [
            {
                "name": "Ada Lovelace",
                "email": "ada@acme.example",
                "phone": "+44 20 7946 0958",
                "role": "Director",
                "subject": subject,
            },
        ],
    }


def _decide(walk: Walk, partner: dict[str, Any], applicant: str, reviewer: str) -> None:
    path = f"{API}/partners/{partner['id']}"
    decision = {
        "notes": "Registry extract and licence match; evidence in both documents.",
        "dossier_version": partner["dossier"]["version"],
    }
    with walk.step("the applicant cannot approve itself, and notes are required"):
        walk.refused("POST", f"{path}/approve", applicant, "ROLE_REQUIRED", decision, if_match=partner["etag"])
        short = {**decision, "notes": "ok"}
        walk.refused("POST", f"{path}/approve", reviewer, "NOTES_REQUIRED", short, if_match=partner["etag"])
    with walk.step("a root admin of the allowlist approves"):
        approved = walk.call("POST", f"{path}/approve", reviewer, 200, decision, partner["etag"])
    walk.note(f"{approved['state']} by {approved['approved_by']} at {approved['approved_at']}")
    with walk.step("an approval is not repeated"):
        walk.refused("POST", f"{path}/approve", reviewer, "PARTNER_STATE_INVALID", decision, if_match=approved["etag"])
