"""Access tokens from the stack's identity provider, by its own keys and claims, without its HTTP.

Every partner has its own submitter, so a run needs thousands of tokens; making them is not what is measured.
"""

import time
from pathlib import Path

import jwt

from deploy.local.oidc import claims
from deploy.local.oidc_keys import KeyRing


def issue(keys: Path, issuer: str, role: str, subjects: list[str]) -> list[str]:
    """One token for each subject, as `POST /token` would answer it; valid for an hour."""
    key_id, key = KeyRing(keys).signing()
    now, headers = int(time.time()), {"kid": key_id, "typ": "at+jwt"}
    forms = ({"subject": [subject], "ttl": ["3600"], "role": [role]} for subject in subjects)
    return [jwt.encode(claims(issuer, form, now), key, algorithm="RS256", headers=headers) for form in forms]
