"""The witness, put together: C2SP `tlog-witness` over HTTP, and what an operator looks at."""

import orjson
from prometheus_client import generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.wire import telemetry
from services.wire.serving import serve
from services.wire.settings import load
from services.witness import metrics
from services.witness.judge import Judge
from services.witness.settings import WitnessSettings
from services.witness.store import Store

MOST_BYTES = 64 * 1024
SIZE_TYPE = "text/x.tlog.size"


class Window:
    """Where the log brings its checkpoints, and others look at what was co-signed."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def routes(self) -> list[Route]:
        return [
            Route("/add-checkpoint", self._add, methods=["POST"]),
            Route("/checkpoint", self._newest),
            Route("/livez", self._livez),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
        ]

    async def _add(self, request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                return PlainTextResponse("too large", 413)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return PlainTextResponse("not UTF-8", 400)
        verdict = self._judge.judge(text)
        kind = SIZE_TYPE if verdict.is_size else "text/plain; charset=utf-8"
        return Response(verdict.text, verdict.status, {"Content-Type": kind})

    async def _newest(self, _: Request) -> Response:
        note = self._judge.store.newest()
        return PlainTextResponse(note) if note else PlainTextResponse("nothing was co-signed yet", 404)

    async def _livez(self, _: Request) -> Response:
        return Response(status_code=204)

    async def _readyz(self, _: Request) -> Response:
        alarms = self._judge.alarms
        body = {"ready": not alarms, "problems": {f"log.{n}": alarm for n, alarm in enumerate(alarms)}}
        return Response(orjson.dumps(body), 503 if alarms else 200, media_type="application/json")

    async def _metrics(self, _: Request) -> Response:
        return Response(generate_latest(), media_type="text/plain; version=0.0.4")


def build(settings: WitnessSettings) -> Starlette:
    judge = Judge(settings.log, settings.cosigner, Store(settings.witness_directory))
    newest = judge.newest()
    metrics.SIZE.set(newest.size if newest else 0)
    return Starlette(routes=Window(judge).routes())


def main() -> None:
    settings = load(WitnessSettings)
    telemetry.configure(settings.service, settings.instance)
    serve(build(settings), settings)
