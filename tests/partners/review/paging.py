"""The fake pager on real HTTP, for the tests that page somebody."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from deploy.local.pager import PagerSettings, build
from tests.support.outside import TOKEN, PagerOperator
from tests.support.serving import serving


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory: Path = tmp_path_factory.mktemp("pager")
    settings = PagerSettings(http_port=1, pager_token=TOKEN, pager_database=directory / "pages.sqlite")
    with serving(build(settings)) as address:
        yield address


@pytest_asyncio.fixture
async def fake(url: str) -> AsyncIterator[PagerOperator]:
    operator = PagerOperator(url)
    await operator.behave("ok")
    yield operator
    await operator.close()


async def took(fake: PagerOperator, page_id: UUID) -> list[tuple[str, int]]:
    """Who was told of a page, and how often."""
    return [(row["target"], row["deliveries"]) for row in await fake.pages(page_id=str(page_id))]
