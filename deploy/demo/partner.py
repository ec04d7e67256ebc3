"""The partner's journey: documents, application, review, questions and answers, approval, re-review."""

import hashlib
from typing import Any, NamedTuple

from deploy.demo.documents import pdf
from deploy.demo.walk import Walk

API = "/api/v1"
NOTES = "Registry extract and licence match; evidence in both documents."


class Onboarded(NamedTuple):
    """An approved partner and the tokens of its contact and of a root admin."""

    partner_id: str
    applicant: str
    reviewer: str


def onboard_partner(walk: Walk) -> Onboarded:
    """Walk an applicant to APPROVED, with a question in between and a re-review afterwards."""
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
    partner = _ask_and_answer(walk, partner, applicant, reviewer)
    partner = _decide(walk, partner, applicant, reviewer)
    _review_again(walk, partner, applicant, reviewer)
    return Onboarded(str(partner["id"]), applicant, reviewer)


def upload(walk: Walk, token: str, kind: str, document: bytes, partner_id: str | None = None) -> dict[str, Any]:
    """Reserve a key and put the document there; other bytes are refused by the store."""
    wanted = {
        "kind": kind,
        "content_type": "application/pdf",
        "size": len(document),
        "sha256": hashlib.sha256(document).hexdigest(),
    } | ({"partner_id": partner_id} if partner_id else {})
    reserved = walk.call("POST", f"{API}/uploads", token, 201, wanted)
    altered = document.replace(b"PDF", b"PDV")
    forged = walk.http.put(reserved["upload_url"], content=altered, headers=reserved["headers"])
    stored = walk.http.put(reserved["upload_url"], content=document, headers=reserved["headers"])
    stored.raise_for_status()
    walk.note(f"other bytes: {forged.status_code}; the announced ones: {stored.status_code}, {reserved['object_key']}")
    return reserved


def _upload_documents(walk: Walk, token: str) -> dict[str, str]:
    keys: dict[str, str] = {}
    partner_id = None
    for kind in ("kyb", "licensing"):
        with walk.step(f"{kind}.pdf goes to the store by a presigned PUT bound to its length, type and hash"):
            reserved = upload(walk, token, kind, pdf(f"{kind} of Acme OTC, run {walk.run}"), partner_id)
        partner_id, keys[kind] = reserved["partner_id"], reserved["object_key"]
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


def _ask_and_answer(walk: Walk, partner: dict[str, Any], applicant: str, reviewer: str) -> dict[str, Any]:
    """The desk asks for a better document; the clock of the review stands still until it comes (K3)."""
    path = f"{API}/partners/{partner['id']}"
    question = {
        "notes": "The licence is cut off on page two.",
        "dossier_version": 1,
        "reason_code": "DOCUMENT_UNREADABLE",
        "fields": ["/licensing_object_key"],
    }
    with walk.step("the desk asks for a better licence, and nothing is open meanwhile"):
        walk.call("POST", f"{path}/request-info", reviewer, 200, question, partner["etag"])
        due = walk.call("GET", f"{path}/requirements", applicant, 200)
    walk.note("; ".join(item["detail"] for item in due["currently_due"]))
    with walk.step("the partner sends only that; the other document stays as it was"):
        better = upload(walk, applicant, "licensing", pdf(f"whole licence, run {walk.run}"), str(partner["id"]))
        answer = {"licensing_object_key": better["object_key"]}
        partner = walk.call("POST", f"{path}/dossier", applicant, 200, answer)
    walk.note(f"{partner['state']}, dossier version {partner['dossier']['version']}")
    return partner


def _decide(walk: Walk, partner: dict[str, Any], applicant: str, reviewer: str) -> dict[str, Any]:
    path = f"{API}/partners/{partner['id']}"
    decision = {"notes": NOTES, "dossier_version": partner["dossier"]["version"]}
    with walk.step("the applicant cannot approve itself, notes are required, and no older dossier is approved"):
        walk.refused("POST", f"{path}/approve", applicant, "ROLE_REQUIRED", decision, if_match=partner["etag"])
        short = {**decision, "notes": "ok"}
        walk.refused("POST", f"{path}/approve", reviewer, "NOTES_REQUIRED", short, if_match=partner["etag"])
        older = {**decision, "dossier_version": 1}
        walk.refused("POST", f"{path}/approve", reviewer, "DOSSIER_CHANGED", older, if_match=partner["etag"])
    with walk.step("until then nobody creates invoices"):
        invoice = {"amount": "1.00", "currency": "USD", "recipient": "0x" + "11" * 20, "reference": "too early"}
        walk.refused("POST", f"{API}/invoices", applicant, "PARTNER_NOT_APPROVED", invoice)
    with walk.step("a root admin of the allowlist approves"):
        approved = walk.call("POST", f"{path}/approve", reviewer, 200, decision, partner["etag"])
    walk.note(f"{approved['state']} by {approved['approved_by']} at {approved['approved_at']}")
    with walk.step("an approval is not repeated"):
        walk.refused("POST", f"{path}/approve", reviewer, "PARTNER_STATE_INVALID", decision, if_match=approved["etag"])
    return approved


def _review_again(walk: Walk, partner: dict[str, Any], applicant: str, reviewer: str) -> None:
    """A changed dossier opens a re-review with a deadline; the approval stays in force (K8)."""
    path = f"{API}/partners/{partner['id']}"
    with walk.step("a new extract after the approval opens a re-review with a deadline"):
        newer = upload(walk, applicant, "kyb", pdf(f"newer extract, run {walk.run}"), str(partner["id"]))
        changed = walk.call("POST", f"{path}/dossier", applicant, 200, {"kyb_object_key": newer["object_key"]})
    walk.note(f"still {changed['state']}, to be reviewed until {changed['rereview_due_at']}")
    with walk.step("which the desk does"):
        decision = {"notes": NOTES, "dossier_version": changed["dossier"]["version"]}
        walk.call("POST", f"{path}/approve", reviewer, 200, decision, changed["etag"])
