"""A fake pager: takes what apprise sends to a `json://` target, and fails the way pagers fail.

    json://127.0.0.1:PORT/v1/pages/duty?+Authorization=Bearer%20TOKEN

The last part of the path is who is paged. `lying` takes the page and then answers 500; `GET /v1/pages` lists them.
"""

import asyncio
from pathlib import Path
from typing import Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.local.knobs import Panel, Usual
from deploy.local.pager_box import PagerBox
from deploy.local.web import FakeSettings, Strict, guarded, healthy, load, serve

MODES = ("error", "slow", "lying")


class PagerSettings(FakeSettings):
    """Where pages are kept and which token opens the API."""

    pager_token: str
    pager_database: Path


class Attachment(Strict):
    filename: str
    base64: str
    mimetype: str


class Notification(Strict):
    """The payload of apprise's JSON plugin, in its version 1."""

    version: Literal["1.0"]
    title: str
    message: str
    type: Literal["info", "success", "warning", "failure"]
    attachments: list[Attachment]


class FakePager:
    """The handlers; all of them behind the token, except the health check."""

    def __init__(self, settings: PagerSettings) -> None:
        self._box = PagerBox(settings.pager_database)
        self._token = settings.pager_token
        self._panel = Panel(Usual())

    def routes(self) -> list[Route]:
        return [
            Route("/healthz", healthy),
            Route("/v1/pages/{target}", guarded(self._token, self._take), methods=["POST"]),
            Route("/v1/pages", guarded(self._token, self._list), methods=["GET"]),
            Route("/v1/behaviour", guarded(self._token, self._panel.turn), methods=["PUT"]),
        ]

    async def _take(self, request: Request) -> Response:
        page = Notification.model_validate_json(await request.body())
        knobs = self._panel.take(MODES)
        if knobs.mode == "error":
            return JSONResponse({"error": "unavailable"}, 503, {"Retry-After": "1"})
        if knobs.mode == "slow":
            await asyncio.sleep(knobs.delay_seconds)
        self._box.keep(request.path_params["target"], page.title, page.message, page.type)
        if knobs.mode == "lying":
            return JSONResponse({"error": "internal"}, 500)
        return JSONResponse({"status": "taken"}, 201)

    async def _list(self, request: Request) -> Response:
        asked = request.query_params
        return JSONResponse({"data": self._box.pages(asked.get("target"), asked.get("page_id"))})


def build(settings: PagerSettings) -> Starlette:
    return Starlette(routes=FakePager(settings).routes())


def main() -> None:
    settings = load(PagerSettings)
    serve(build(settings), settings.http_port)


if __name__ == "__main__":
    main()
