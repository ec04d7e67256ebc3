"""What the fake identity provider says of itself (RFC 7644 §4), and the form in which it says anything."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from scim2_models import (
    AuthenticationScheme,
    BaseModel,
    Bulk,
    ChangePassword,
    Context,
    Error,
    ETag,
    Filter,
    ListResponse,
    NotFoundException,
    Patch,
    Resource,
    ResourceType,
    ResponseParameters,
    Schema,
    SCIMException,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    User,
)
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from deploy.local.web import Handler

LONGEST_PAGE = 100
ONE_TOKEN = AuthenticationScheme(
    type=AuthenticationScheme.Type.oauthbearertoken, name="Bearer", description="One token for all"
)
PROVIDER = ScimProvider(
    models=[User],
    config=ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=LONGEST_PAGE),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=True),
        etag=ETag(supported=False),
        authentication_schemes=[ONE_TOKEN],
    ),
)


class ScimAnswer(JSONResponse):
    media_type = "application/scim+json"


def told(
    message: BaseModel,
    status: int = 200,
    *,
    context: Context = Context.RESOURCE_QUERY_RESPONSE,
    only: ResponseParameters[Any] | None = None,
) -> ScimAnswer:
    return ScimAnswer(message.model_dump(scim_ctx=context, response_parameters=only), status)


async def refused(_: Request, error: Exception) -> ScimAnswer:
    """The SCIM error (RFC 7644 §3.12) of whatever a handler raised."""
    match error:
        case SCIMException():
            answer = error.to_error()
        case ValidationError():
            answer = Error.from_validation_error(error.errors(include_input=False)[0])
        case HTTPException(status_code=status, detail=detail):
            answer = Error(status=status, detail=detail)
        case _:
            answer = Error(status=500, detail="internal error")
    return ScimAnswer(answer.model_dump(), answer.status or 500)


async def config(_: Request) -> ScimAnswer:
    return told(PROVIDER.config or ServiceProviderConfig())


def listing(resources: Sequence[Schema | ResourceType], kind: type[Resource[Any]]) -> Handler:
    async def endpoint(_: Request) -> ScimAnswer:
        page: ListResponse[Any] = ListResponse[kind](  # type: ignore[valid-type]
            total_results=len(resources), items_per_page=len(resources), start_index=1, resources=list(resources)
        )
        return told(page)

    return endpoint


def single(resources: Sequence[Schema | ResourceType]) -> Handler:
    async def endpoint(request: Request) -> ScimAnswer:
        for resource in resources:
            if resource.id == request.path_params["id"]:
                return told(resource)
        raise NotFoundException

    return endpoint
