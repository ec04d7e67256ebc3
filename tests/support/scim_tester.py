"""scim2-client over our HTTP library, for scim2-tester: its own network engine wants another one."""

from typing import Any

import httpx
from scim2_client import BaseSyncSCIMClient, RequestNetworkException
from scim2_client.client import RawResponse

from tests.support.web import NO_TLS


class HttpScimClient(BaseSyncSCIMClient):
    def __init__(self, url: str, token: str) -> None:
        super().__init__()
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=url, headers=headers, trust_env=False, verify=NO_TLS, timeout=10)

    def request(self, method: str, url: str, **kwargs: Any) -> httpx.Response:
        try:
            return self.http.request(method, url, **kwargs)
        except httpx.RequestError as error:
            raise RequestNetworkException from error

    def _stays_under_base_url(self, endpoint: str) -> bool:
        return self.http.build_request("GET", endpoint).url.raw_path.startswith(self.http.base_url.raw_path)

    def _parse_json(self, response: RawResponse) -> Any:
        assert isinstance(response, httpx.Response)
        return response.json()
