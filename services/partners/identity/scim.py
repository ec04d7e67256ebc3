"""Deactivates a person over SCIM 2.0 (RFC 7644); doing it again is harmless.

"Not there" counts as done, so it is concluded only from a search that the provider answered: never from a 404, which a
wrong address gives too. A subject is compared byte for byte (S1.9), whatever the provider takes for equal, and where
several persons match, nobody is touched. Only the few attributes that matter are read, since providers differ in the
others.
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import httpx
from pydantic import BaseModel, Field, ValidationError

NAMES = {"externalId": "external_id", "userName": "user_name"}
"""Where a subject may stand, in the order in which it is looked for."""
MEDIA_TYPE = "application/scim+json"
DEACTIVATE = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "path": "active", "value": False}],
}


@dataclass(frozen=True, slots=True)
class Deactivated:
    """The provider's resource that is inactive now, or was already."""

    resource_id: str


@dataclass(frozen=True, slots=True)
class NotThere:
    """The provider knows nobody of that name: nothing to deactivate."""


@dataclass(frozen=True, slots=True)
class Failed:
    """To be tried again, not before `retry_after` if the provider asked for that. `why` names nobody."""

    why: str
    retry_after: timedelta | None = None


Outcome = Deactivated | NotThere | Failed


class _Person(BaseModel):
    id: str = Field(min_length=1)
    external_id: str | None = Field(default=None, alias="externalId")
    user_name: str | None = Field(default=None, alias="userName")
    active: bool | None = None


class _Found(BaseModel):
    total: int = Field(alias="totalResults")
    people: list[_Person] = Field(default=[], alias="Resources")


class _Unable(Exception):
    def __init__(self, why: str, retry_after: timedelta | None = None) -> None:
        super().__init__(why)
        self.outcome = Failed(why, retry_after)


class ScimDirectory:
    """One provider at one SCIM address, which knows the persons of one issuer if that is given."""

    def __init__(self, url: str, token: str, *, issuer: str | None = None, timeout_seconds: float = 10) -> None:
        self._issuer, self._seconds = issuer, timeout_seconds
        headers = {"Authorization": f"Bearer {token}", "Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE}
        self._client = httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout_seconds, trust_env=False)

    async def deactivate(self, issuer: str, subject: str) -> Outcome:
        """Find the person by externalId, else by userName, and set `active` to false."""
        if self._issuer not in (None, issuer):
            return Failed("this directory does not know the persons of that issuer")
        try:
            async with asyncio.timeout(self._seconds):
                person = await self._find(subject)
                return await self._switch_off(person) if person else NotThere()
        except _Unable as unable:
            return unable.outcome
        except ValidationError:
            return Failed("the answer is no SCIM")
        except (httpx.HTTPError, TimeoutError) as error:
            return Failed(type(error).__name__)

    async def close(self) -> None:
        await self._client.aclose()

    async def _find(self, subject: str) -> _Person | None:
        for attribute, field in NAMES.items():
            same = [person for person in await self._search(attribute, subject) if getattr(person, field) == subject]
            if len(same) > 1:
                raise _Unable(f"{len(same)} persons have this {attribute}")
            if same:
                return same[0]
        return None

    async def _search(self, attribute: str, subject: str) -> list[_Person]:
        wanted = f"{attribute} eq {json.dumps(subject, ensure_ascii=False)}"
        answer = _good(await self._client.get("/Users", params={"filter": wanted}))
        found = _Found.model_validate_json(answer.content)
        if found.total != len(found.people):
            raise _Unable(f"{found.total} persons match by {attribute}")
        return found.people

    async def _switch_off(self, person: _Person) -> Outcome:
        if person.active is False:
            return Deactivated(person.id)
        path = f"/Users/{quote(person.id, safe='')}"
        answer = _good(await self._client.patch(path, json=DEACTIVATE))
        if answer.content and _Person.model_validate_json(answer.content).active is True:
            return Failed("the provider left the person active")
        return Deactivated(person.id)


def _good(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise _Unable(f"HTTP {answer.status_code}", _retry_after(answer.headers.get("retry-after", "")))
    return answer


def _retry_after(header: str) -> timedelta | None:
    """Seconds or a date (RFC 9110 §10.2.3); None for anything else."""
    if header.isascii() and header.isdigit():
        return timedelta(seconds=min(int(header), 86_400))
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(aware - datetime.now(UTC), timedelta())
