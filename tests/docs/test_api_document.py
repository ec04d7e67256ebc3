"""docs/API.md lists the calls that exist, all of them and no others."""

import re
from pathlib import Path

from contracts.failures import Code
from services.gateway.routes import ALL

DOCUMENT = (Path(__file__).parents[2] / "docs" / "API.md").read_text()
OPERATIONS = ("GET", "/api/v1/operations/{command_id}")


def test_every_route_is_documented_and_every_documented_call_is_a_route() -> None:
    documented = set(re.findall(r"^\| `(GET|POST|PUT|DELETE) (/\S+)` \|", DOCUMENT, re.MULTILINE))

    routed = {(route.method, route.path) for routes in ALL for route in routes.table} | {OPERATIONS}

    assert documented == routed


def test_every_code_in_the_document_exists() -> None:
    named = set(re.findall(r"`([A-Z][A-Z_]{7,})`", DOCUMENT))

    assert named <= {code.value for code in Code}
