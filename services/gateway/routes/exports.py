"""Exports over HTTP. Which service owns a dataset is the gateway's business; whoever asks for a file need not know.

An export's id does not say whose it is, so all owners are asked, as for the outcome of a command.
"""

import asyncio
from http import HTTPStatus
from typing import cast

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from contracts.export_messages import OWNERS
from contracts.exports import ExportLink, ExportView, GetExport, GetExportFile, StartExport
from contracts.failures import Code
from contracts.message import Request as Message
from services.gateway.asking import ask
from services.gateway.dispatch import Answer
from services.gateway.problems import Failure
from services.gateway.routing import Route, Routes, caller_of, command_endpoint, respond

TOPICS = ("partners.queries", "staffing.queries", "audit.queries")
_START = {dataset: messages.start for messages in OWNERS for dataset in messages.datasets}


def _for_its_owner(asked: Message) -> Message:
    """The same command, by the name under which the dataset's owner takes it."""
    start = cast("StartExport", asked)
    return _START[start.dataset](**dict(start))


async def _asked_of_all(request: Request, message: type[GetExport | GetExportFile]) -> Answer:
    """The answer of the owner who knows it; NOT_FOUND only when all of them have said so."""
    caller = caller_of(request)
    try:
        query = message.model_validate(request.path_params, strict=False)
    except ValidationError as error:
        raise Failure(Code.NOT_FOUND) from error
    asked = (ask(request.app.state.dispatcher, query, caller, topic) for topic in TOPICS)
    answers = [a for a in await asyncio.gather(*asked, return_exceptions=True) if isinstance(a, Answer)]
    known = [a for a in answers if a.status != HTTPStatus.NOT_FOUND]
    told = [a for a in known if a.status < HTTPStatus.INTERNAL_SERVER_ERROR]
    if told:
        return told[0]
    if known or len(answers) < len(TOPICS):
        raise Failure(Code.DEPENDENCY_UNAVAILABLE)
    raise Failure(Code.NOT_FOUND)


async def _export(request: Request) -> Response:
    return respond(await _asked_of_all(request, GetExport))


async def _file(request: Request) -> Response:
    answer = await _asked_of_all(request, GetExportFile)
    if answer.status != HTTPStatus.OK:
        return respond(answer)
    link = ExportLink.model_validate_json(answer.body).link
    return RedirectResponse(link, HTTPStatus.FOUND, {"Cache-Control": "no-store"})


routes = Routes()
_start = Route("POST", "/api/v1/exports", StartExport, ExportView, 202, sent_as=_for_its_owner)
routes.add(_start, command_endpoint(_start))
routes.add(Route("GET", "/api/v1/exports/{export_id}", GetExport, ExportView, 200), _export)
routes.add(Route("GET", "/api/v1/exports/{export_id}/file", GetExportFile, None, 302), _file)
