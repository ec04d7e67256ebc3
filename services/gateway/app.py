"""The gateway's composition root."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from contracts.failures import Code
from services.gateway import openapi
from services.gateway.auth import Authenticator, Keys
from services.gateway.dispatch import Dispatcher
from services.gateway.limits import Limits
from services.gateway.middleware import Tracing
from services.gateway.problems import Failure, respond
from services.gateway.refusals import refusals_told
from services.gateway.routes import ALL
from services.gateway.routes.operations import router as operations_router
from services.gateway.routes.service import router as service_router
from services.gateway.settings import GatewaySettings
from services.wire import telemetry
from services.wire.actor import public_key
from services.wire.process import settle_down
from services.wire.sealing import Sealer
from services.wire.serving import serve
from services.wire.settings import load


def create_app(settings: GatewaySettings) -> FastAPI:
    app = FastAPI(title="Gatehouse", version="1.0.0", lifespan=_lifespan, docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.router.routes[:0] = [mounted for routes in ALL for mounted in routes.mounted]
    for router in (operations_router, service_router):
        app.include_router(router)
    app.add_middleware(Tracing)
    app.add_exception_handler(Failure, _on_failure)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_error)
    openapi.install(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: GatewaySettings = app.state.settings
    app.state.keys = keys = Keys(settings.oidc_issuer)
    app.state.authenticator = Authenticator(
        keys, settings.oidc_issuer, settings.oidc_audience, settings.staff_issuer, public_key(settings.staff_public_key)
    )
    app.state.sealer = Sealer(settings.credential_key.get_secret_value())
    app.state.limits = Limits(settings)
    app.state.dispatcher = dispatcher = Dispatcher(settings)
    await dispatcher.start()
    refresh = asyncio.create_task(keys.run())
    async with refusals_told(settings) as app.state.refusals:
        settle_down()
        yield
    refresh.cancel()
    await dispatcher.stop()


async def _on_failure(request: Request, failure: Exception) -> Response:
    return _refuse(request, cast("Failure", failure))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    known_path = cast("HTTPException", error).status_code == HTTPStatus.METHOD_NOT_ALLOWED
    return _refuse(request, Failure(Code.ROUTE_NOT_REGISTERED if known_path else Code.NOT_FOUND))


async def _on_error(request: Request, _: Exception) -> Response:
    return _refuse(request, Failure(Code.INTERNAL))


def _refuse(request: Request, failure: Failure) -> Response:
    request.app.state.refusals.note(request, failure.code)
    return respond(request, failure)


def main() -> None:
    settings = load(GatewaySettings)
    telemetry.configure(settings.service, settings.instance)
    serve(create_app(settings), settings)
