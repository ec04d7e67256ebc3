"""The monolith's application; run by uvicorn as a factory, with one worker or two."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from tests.benchmarks.monolith import partners, staff
from tests.benchmarks.monolith.auth import Tokens
from tests.benchmarks.monolith.evidence import Documents
from tests.benchmarks.monolith.models import Base
from tests.benchmarks.monolith.settings import Settings

METADATA = Base.metadata
"""All tables: the routers imported here have defined them."""


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings = Settings()  # type: ignore[call-arg]
    engine = create_async_engine(
        settings.database_url.get_secret_value(),
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=60,
        connect_args={"server_settings": {"jit": "off", "search_path": settings.database_schema}},
    )
    app.state.session = async_sessionmaker(engine, expire_on_commit=False)
    app.state.documents, app.state.tokens = Documents(settings), Tokens(settings)
    await app.state.tokens.load()
    yield
    await app.state.documents.close()
    await engine.dispose()


def create() -> FastAPI:
    app = FastAPI(lifespan=_lifespan)
    app.include_router(partners.router)
    app.include_router(staff.router)
    app.add_exception_handler(ValidationError, _invalid)
    app.add_api_route("/readyz", _ready)
    return app


async def _invalid(_: Request, error: Exception) -> Response:
    return JSONResponse({"code": "VALIDATION_FAILED", "detail": str(error)[:1000]}, 422)


async def _ready() -> Response:
    return Response(status_code=200)
