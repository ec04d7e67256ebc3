"""One walk through the API: calls over HTTP, each step checked and printed with the time it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx
from rich.console import Console

from contracts.failures import FAILURES, Code
from deploy.local.errors import StackError
from deploy.local.state import State


class UnexpectedAnswer(StackError):
    """A step was not answered as the demo promises."""


class Walk:
    """`run` tells one demo from another, so it can be repeated on the data that is there."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.run = uuid4().hex[:8]
        self.http = httpx.Client(timeout=20, trust_env=False)
        self.console = Console(highlight=False, soft_wrap=True)
        self._began = time.monotonic()

    def title(self, text: str) -> None:
        self.console.print(f"\n[bold]{text}")

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        took = (time.monotonic() - began) * 1000
        self.console.print(f"  [green]✓[/] {text} [dim]{took:.0f} ms")

    def note(self, text: str) -> None:
        self.console.print(f"    [dim]{text}")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def token(self, subject: str, *roles: str) -> str:
        """An access token of the development identity provider."""
        form = {
            "grant_type": "client_credentials",
            "client_secret": self.state.secrets["oidc_client_secret"],
            "subject": subject,
            "audience": "gatehouse",
            "role": list(roles),
        }
        answer = self.http.post(f"{self.state.url('oidc')}/token", data=form)
        return str(self._expect(answer, 200)["access_token"])

    def call(
        self, method: str, path: str, token: str | None, expect: int, body: Any = None, if_match: str | None = None
    ) -> dict[str, Any]:
        """One call of the API; raises unless the status is `expect`. The ETag is added as `etag`."""
        headers = {"Idempotency-Key": uuid4().hex}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if if_match:
            headers["If-Match"] = if_match
        answer = self.http.request(method, f"{self.state.url('gateway')}{path}", json=body, headers=headers)
        return self._expect(answer, expect)

    def refused(self, method: str, path: str, token: str | None, code: str, body: Any = None, **more: Any) -> None:
        """A call that must be turned down with this code."""
        problem = self.call(method, path, token, FAILURES[Code(code)].status, body, **more)
        if problem["code"] != code:
            raise UnexpectedAnswer(f"{method} {path}: wanted {code}, got {problem['code']}")
        self.note(f"{problem['status']} {code}: {problem['detail']}")

    def proof(self, path: str, token: str) -> bytes:
        """The exact bytes of a document, once the log has recorded what it is made of."""
        for _ in range(100):
            answer = self.http.get(f"{self.state.url('gateway')}{path}", headers={"Authorization": f"Bearer {token}"})
            if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                self._expect(answer, 200)
                return answer.content
            time.sleep(0.1)
        raise UnexpectedAnswer(f"{path}: not there within 10 s")

    def download(self, path: str) -> bytes:
        """A public document."""
        return self.http.get(f"{self.state.url('gateway')}{path}").raise_for_status().content

    def _expect(self, answer: httpx.Response, status: int) -> dict[str, Any]:
        if answer.status_code != status:
            request = answer.request
            raise UnexpectedAnswer(f"{request.method} {request.url}: {answer.status_code} {answer.text[:500]}")
        document: dict[str, Any] = answer.json() if answer.content else {}
        return {**document, "etag": answer.headers.get("etag")}
