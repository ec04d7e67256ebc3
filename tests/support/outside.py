"""The outside systems' fakes as their operators see them: turn the knobs, look at what was done."""

from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from tests.support.web import NO_TLS

TOKEN = "0utside"


class Operator:
    """The `/v1` side that every fake has."""

    def __init__(self, url: str, token: str = TOKEN) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self.url = url
        self.client = httpx.AsyncClient(
            base_url=url,
            headers=headers,
            trust_env=False,
            verify=NO_TLS,
            timeout=10,
            limits=httpx.Limits(max_keepalive_connections=0),  # a server may close an idle one as it is used again
        )

    async def behave(self, mode: str, **knobs: Any) -> None:
        answer = await self.client.put("/v1/behaviour", json={"mode": mode, **knobs})
        assert answer.status_code == 200, answer.text

    async def close(self) -> None:
        await self.client.aclose()

    async def listed(self, path: str, **params: str) -> list[dict[str, Any]]:
        answer = await self.client.get(path, params=params)
        found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]
        return found


class SwapOperator(Operator):
    async def mints(self, invoice_id: str = "") -> list[dict[str, Any]]:
        """Of one invoice or of all, oldest first."""
        return await self.listed("/v1/mints", **({"invoice_id": invoice_id} if invoice_id else {}))

    async def calls(self, nonce: str = "") -> list[dict[str, Any]]:
        """Submissions received under one nonce or all, oldest first."""
        return await self.listed("/v1/calls", **({"nonce": nonce} if nonce else {}))


class ScimOperator(Operator):
    async def add(self, user_name: str, external_id: str | None = None, **others: Any) -> str:
        """A new person, known by the id that is returned."""
        person = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": user_name, **others}
        body = person | ({"externalId": external_id} if external_id is not None else {})
        answer = await self.client.post("/scim/v2/Users", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def is_active(self, person_id: str) -> bool:
        answer = await self.client.get(f"/scim/v2/Users/{person_id}")
        return bool(answer.raise_for_status().json()["active"])

    async def log(self, external_id: str = "") -> list[dict[str, Any]]:
        """What was done, to one person or to all, oldest first."""
        return await self.listed("/v1/log", **({"external_id": external_id} if external_id else {}))


class PagerOperator(Operator):
    def target(self, name: str, token: str = TOKEN) -> str:
        """The apprise URL of somebody who can be paged here."""
        return f"json://{urlsplit(self.url).netloc}/v1/pages/{name}?+Authorization={quote(f'Bearer {token}')}"

    async def pages(self, **wanted: str) -> list[dict[str, Any]]:
        """Of one `target` or `page_id` or all, oldest first."""
        return await self.listed("/v1/pages", **wanted)
